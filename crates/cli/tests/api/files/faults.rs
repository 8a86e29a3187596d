//! Files when something goes wrong: nothing is left behind, and nobody sees half a file.

use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, SCRATCH, podman};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn a_read_only_file_system_is_a_conflict() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, SCRATCH] {
        let options = [
            "--read-only",
            "--read-only-tmpfs=false",
            "--tmpfs",
            "/scratch",
            "-v",
            "/vol",
        ];
        let container = Fixture::run(image, &options);
        for path in ["/f", "/new/dir/f"] {
            let answer = container.write(&api, path, "x").await.expect(409);
            assert!(answer.message().contains("read-only"), "{}", answer.text);
            assert!(
                !answer.text.contains("podlane-run"),
                "a host path: {}",
                answer.text
            );
        }
        for path in ["/scratch/f", "/scratch/new/f", "/vol/f"] {
            for content in ["x", "yy"] {
                let answer = container.write(&api, path, content).await.expect(200);
                assert_eq!(answer.json["file"]["size"], content.len());
            }
        }
        container.assert_clean();
    }
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_there() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, SCRATCH] {
        let container = Fixture::run(image, &["--tmpfs", "/small:size=1m"]);
        let _ = container
            .write(&api, "/small/f", "before")
            .await
            .expect(200);
        for path in ["/small/f", "/small/g"] {
            let answer = container
                .write(&api, path, &"x".repeat(2 << 20))
                .await
                .expect(507);
            assert!(answer.message().contains("space"), "{}", answer.text);
        }
        // Whole or not at all, and with room again.
        let fits = "y".repeat(900 << 10);
        let answer = container.write(&api, "/small/h", &fits).await.expect(200);
        assert_eq!(answer.json["file"]["size"], fits.len());
        if image == BUSYBOX {
            assert_eq!(container.sh("cat /small/f; ls -A /small"), "beforef\nh");
        }
        container.assert_clean();
    }
}

#[tokio::test]
async fn readers_never_see_half_a_file_or_none() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let content = |letter: u8| char::from(letter).to_string().repeat(100_000);
    let _ = container
        .write(&api, "/f", &content(b'a'))
        .await
        .expect(200);
    let watch = r#"while :; do
        s=$(tr -d "$(head -c1 /f)" </f | wc -c) && n=$(wc -c </f) || { echo missing >>/seen; continue; }
        [ "$n" = 100000 ] || echo "size $n" >>/seen
        echo >>/rounds; done"#;
    podman(&["exec", "-d", &container.name, "sh", "-c", watch]);
    for number in 0..30 {
        let _ = container
            .write(&api, "/f", &content(b'a' + number % 26))
            .await
            .expect(200);
    }
    let seen = container.sh("cat /seen 2>/dev/null; wc -l </rounds");
    assert!(
        seen.parse::<u32>().is_ok_and(|rounds| rounds > 10),
        "{seen}"
    );
    container.assert_clean();
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let _ = container.write(&api, "/f", "before").await.expect(200);
    let body = json!({ "dest_path": "/f", "content": "x".repeat(1 << 20) }).to_string();
    for cut in [1, 20, body.len() / 2, body.len() - 1] {
        let mut stream = TcpStream::connect(server.address()).expect("connected");
        let head = format!(
            "POST /api/v1{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            container.path("/files"),
            server.address(),
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("written");
        stream.write_all(&body.as_bytes()[..cut]).expect("written");
        // Once cut off hard, once ended politely and listening on.
        if cut % 2 == 0 {
            stream.shutdown(std::net::Shutdown::Write).expect("ended");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(container.sh("cat /f"), "before");
    container.assert_clean();
    // A caller that goes away after its whole request: the file is written whole, or not at all.
    for _ in 0..5 {
        let mut stream = TcpStream::connect(server.address()).expect("connected");
        let request = format!(
            "POST /api/v1{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            container.path("/files"),
            server.address(),
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("written");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = container.write(&api, "/last", "x").await.expect(200);
    let busy = async {
        while api.get("/metrics").await.json["active_threads"] != 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), busy)
        .await
        .expect("nothing under way");
    let size = container.sh("wc -c </f");
    assert!(["6", "1048576"].contains(&size.as_str()), "{size}");
    container.assert_clean();
}

#[tokio::test]
async fn a_container_that_ends_in_mid_write_leaves_nothing() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let _ = container.write(&api, "/f", "0").await.expect(200);
    for round in 0..12 {
        let content = format!("{round} ").repeat(1 << 18);
        let (name, delay) = (container.name.clone(), round * 30);
        let end = tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(delay));
            podman(&[if delay % 60 == 0 { "kill" } else { "pause" }, &name])
        });
        let answer = container.write(&api, "/f", &content).await;
        end.await.expect("ended");
        assert!(
            [200, 408, 409].contains(&answer.status.as_u16()),
            "{delay} ms: {}",
            answer.text
        );
        podman(&["unpause", &container.name]);
        podman(&["start", &container.name]);
        let size = container
            .sh("wc -c </f")
            .parse::<usize>()
            .expect("a number");
        if answer.status == 200 {
            assert_eq!(size, content.len());
        }
        container.assert_clean();
    }
    let gone = Fixture::create(&api, BUSYBOX, json!({})).await;
    let name = gone.name.clone();
    let remove = tokio::task::spawn_blocking(move || podman(&["rm", "-f", "-t", "0", &name]));
    let answer = gone.write(&api, "/f", &"x".repeat(8 << 20)).await;
    remove.await.expect("removed");
    assert!(
        [200, 404, 409].contains(&answer.status.as_u16()),
        "{}",
        answer.text
    );
}
