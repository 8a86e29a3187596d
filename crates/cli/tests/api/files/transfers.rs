//! Transfers that are long, cut, or stand in somebody's way; watches, searches, and other users.

use super::ways::{Place, WAYS, Way};
use crate::container::until;
use crate::fixture::Fixture;
use crate::server;
use http::Method;
use podlane_testkit::{BUSYBOX, Server};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A request whose body the test writes.
fn begin(server: &Server, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("connected");
    let wait = Some(Duration::from_secs(100));
    stream.set_read_timeout(wait).expect("set");
    let address = server.address();
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("written");
    stream
}

fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("a running server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("KiB")
}

/// 300 MB up and down, held nowhere.
#[tokio::test]
async fn large_files_pass_through() {
    const SIZE: u64 = 300 << 20;
    for way in WAYS {
        let place = Place::new(way).await;
        let path = place.container.path("/files/srv/large");
        let _ = place
            .put("/files/srv/large?mkdirs=true", "warm")
            .await
            .expect(200);
        let _ = place.get("/files/srv/large").await.expect(200);
        let before = memory(&place.server);
        let headers = format!("Content-Length: {SIZE}\r\n");
        let mut up = begin(&place.server, "PUT", &path, &headers);
        let piece: Vec<u8> = (0..1 << 20)
            .map(|at: u32| at.to_le_bytes()[at as usize % 3])
            .collect();
        for _ in 0..SIZE >> 20 {
            up.write_all(&piece).expect("written");
        }
        let mut answer = String::new();
        up.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{way:?} {answer}");
        let mut down = BufReader::new(begin(&place.server, "GET", &path, ""));
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            down.read_line(&mut line).expect("a head");
        }
        let mut read = vec![0; piece.len()];
        for _ in 0..SIZE >> 20 {
            down.read_exact(&mut read).expect("content");
            assert!(read == piece, "{way:?}: other content");
        }
        assert_eq!(down.read(&mut read).expect("an end"), 0, "{way:?}");
        let grown = memory(&place.server) - before;
        assert!(grown < 48 << 10, "{way:?}: {grown} KiB more");
    }
}

#[tokio::test]
async fn a_cut_upload_leaves_what_was_there() {
    for way in WAYS {
        let place = Place::new(way).await;
        let path = place.container.path("/files/srv/f");
        let _ = place
            .put("/files/srv/f?mkdirs=true", "before")
            .await
            .expect(200);
        for headers in [
            "Content-Length: 10000000\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let mut up = begin(&place.server, "PUT", &path, headers);
            let chunked = headers.starts_with('T');
            let start = if chunked { "200000\r\n" } else { "" };
            up.write_all(start.as_bytes()).expect("written");
            up.write_all(&vec![b'x'; 2 << 20]).expect("written");
            drop(up);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            place.get("/files/srv/f").await.expect(200).text,
            "before",
            "{way:?}"
        );
        let list = place.get("/file-list?path=/srv").await.expect(200);
        assert_eq!(
            list.json["files"].as_array().map(Vec::len),
            Some(1),
            "{way:?} {}",
            list.text
        );
        // Chunked and whole.
        let mut up = begin(
            &place.server,
            "PUT",
            &path,
            "Transfer-Encoding: chunked\r\n",
        );
        up.write_all(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .expect("written");
        let mut answer = String::new();
        up.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{way:?} {answer}");
        assert_eq!(
            place.get("/files/srv/f").await.expect(200).text,
            "abcde",
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn a_killed_server_leaves_what_was_there() {
    for way in [Way::Descriptors, Way::Stream] {
        let place = Place::new(way).await;
        let path = place.container.path("/files/srv/f");
        let _ = place
            .put("/files/srv/f?mkdirs=true", "before")
            .await
            .expect(200);
        let mut up = begin(&place.server, "PUT", &path, "Content-Length: 10000000\r\n");
        up.write_all(&vec![b'x'; 2 << 20]).expect("written");
        std::thread::sleep(Duration::from_millis(300));
        let Place {
            server, container, ..
        } = place;
        let pid = i32::try_from(server.pid()).expect("a PID");
        let killed = std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status();
        assert!(killed.expect("kill").success());
        until("nothing of it is left", || {
            container.sh("ls -A /srv") == "f"
        })
        .await;
        assert_eq!(container.sh("cat /srv/f"), "before", "{way:?}");
    }
}

#[tokio::test]
async fn full_and_read_only_file_systems() {
    let server = server();
    let api = server.client();
    let options = [
        "--read-only",
        "--read-only-tmpfs=false",
        "--tmpfs",
        "/small:size=1m",
    ];
    let container = Fixture::run(BUSYBOX, &options);
    let place = Place {
        api,
        container,
        server,
    };
    let _ = place.put("/files/small/f", "before").await.expect(200);
    for path in ["/files/small/f", "/files/small/g"] {
        let answer = place
            .ask(Method::PUT, path, &[], vec![b'x'; 4 << 20])
            .await
            .expect(507);
        assert!(answer.message().contains("space"), "{}", answer.text);
    }
    assert_eq!(place.get("/files/small/f").await.expect(200).text, "before");
    let answer = place.put("/files/f", "x").await.expect(409);
    assert!(answer.message().contains("read-only"), "{}", answer.text);
    place.container.assert_clean();
}

#[tokio::test]
async fn pipes_and_links_hold_nobody_up() {
    let place = Place::new(Way::Descriptors).await;
    place
        .container
        .sh("mkfifo /pipe; ln -s loop /loop; ln -s /proc/1/environ /env; mkdir /d; ln -s / /d/up");
    for (path, statuses) in [
        ("/pipe", [409, 409]),
        ("/loop", [409, 404]),
        ("/env", [400, 400]),
        ("/d/up/proc/self/mem", [400, 400]),
    ] {
        let read = place.get(&format!("/files{path}")).await;
        assert!(
            statuses.contains(&read.status.as_u16()),
            "{path}: {}",
            read.text
        );
    }
    let _ = place.put("/files/pipe", "x").await.expect(409);
}

#[tokio::test]
async fn another_users_rights_are_its_own() {
    let place = Place::new(Way::Descriptors).await;
    place
        .container
        .sh("echo secret >/secret; chmod 600 /secret; mkdir -m 777 /open");
    let _ = place.get("/files/secret?user=1000").await.expect(403);
    let _ = place
        .put("/files/srv-of-1000?user=1000", "x")
        .await
        .expect(403);
    let made = place.put("/files/open/f?user=1000", "x").await.expect(200);
    assert_eq!(made.json["file"]["uid"], 1000);
    let stopped = Place::new(Way::Stopped).await;
    let refused = stopped.get("/files/etc/passwd?user=1000").await.expect(409);
    assert!(refused.message().contains("agent"), "{}", refused.text);
}

#[tokio::test]
async fn lines_are_searched() {
    let place = Place::new(Way::Descriptors).await;
    place
        .container
        .sh("mkdir /s; printf 'one\\nTwo two\\n' >/s/a; printf 'two\\n' >/s/b.log");
    let found = place.get("/file-search?path=/s&text=two").await.expect(200);
    let lines: Vec<_> = found.json["matches"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            (
                line["path"].as_str(),
                line["line"].as_u64(),
                line["start"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Some("a"), Some(2), Some(4)),
            (Some("b.log"), Some(1), Some(0))
        ]
    );
    let found = place
        .get("/file-search?path=/s&text=%5Et.o&regex=true&ignore_case=true&names=a")
        .await
        .expect(200);
    assert_eq!(
        found.json["matches"].as_array().map(Vec::len),
        Some(1),
        "{}",
        found.text
    );
    let stopped = Place::new(Way::Stopped).await;
    let _ = stopped
        .get("/file-search?path=/etc&text=root")
        .await
        .expect(409);
}

/// Reads events until one has that name; answers the data and the ID.
fn event(stream: &mut BufReader<TcpStream>, wanted: &str) -> (serde_json::Value, String) {
    let (mut id, mut name) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        assert!(
            stream.read_line(&mut line).expect("a line") > 0,
            "it ended before {wanted}"
        );
        let line = line.trim_end();
        if let Some(text) = line.strip_prefix("id: ") {
            text.clone_into(&mut id);
        } else if let Some(text) = line.strip_prefix("event: ") {
            text.clone_into(&mut name);
        } else if let Some(text) = line.strip_prefix("data: ")
            && name == wanted
        {
            return (serde_json::from_str(text).expect("JSON"), id);
        }
    }
}

#[tokio::test]
async fn a_watch_goes_on_where_its_reader_was() {
    let place = Place::new(Way::Descriptors).await;
    place.container.sh("mkdir -p /w/sub");
    let path = place.container.path("/file-events?path=/w&recursive=true");
    let mut first = BufReader::new(begin(&place.server, "GET", &path, ""));
    let mut line = String::new();
    while line != ":\n" {
        line.clear();
        first.read_line(&mut line).expect("the beginning");
    }
    let _ = place.put("/files/w/sub/f", "x").await.expect(200);
    place.container.sh("echo y >/w/g; mv /w/g /w/h");
    let (mut written, _) = event(&mut first, "written");
    assert_eq!(written["path"], "sub/f", "{written}");
    while written["path"] == "sub/f" {
        (written, _) = event(&mut first, "written");
    }
    assert_eq!(written["path"], "g", "{written}");
    drop(first);
    place.container.sh("rm /w/h");
    let again = "Last-Event-ID: nothing-known\r\n";
    let mut second = BufReader::new(begin(&place.server, "GET", &path, again));
    let (lost, id) = event(&mut second, "lost");
    assert_eq!(lost, json!({}));
    place.container.sh("echo z >/w/z");
    let (created, after) = event(&mut second, "created");
    assert_eq!(created["path"], "z");
    assert_ne!(id, after);
    drop(second);
    place.container.sh("rm /w/z");
    let mut third = BufReader::new(begin(
        &place.server,
        "GET",
        &path,
        &format!("Last-Event-ID: {after}\r\n"),
    ));
    let (removed, _) = event(&mut third, "removed");
    assert_eq!(removed["path"], "z");
}
