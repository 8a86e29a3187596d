//! What a container is made of, as it is seen from inside and out.

use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, Client, ENTRYPOINT, podman, unique};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

fn free_port() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// What a web server behind a published port answers.
fn fetch(port: u64) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut answer = String::new();
        if let Ok(mut stream) =
            TcpStream::connect(("127.0.0.1", u16::try_from(port).expect("a port")))
        {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.write_all(b"GET /f HTTP/1.0\r\n\r\n");
            let _ = stream.read_to_string(&mut answer);
        }
        if answer.contains("200 OK") || Instant::now() > until {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

async fn inspect(api: &Client, container: &Fixture) -> Value {
    api.get(&container.path("")).await.expect(200).json["container"].take()
}

#[tokio::test]
async fn published_ports_answer() {
    let server = server();
    let api = server.client();
    let serve = "mkdir /w; echo it answers >/w/f; exec httpd -f -p 80 -h /w";
    for (key, target) in [
        ("{}", json!("80")),
        ("{}", json!(80)),
        ("{}", json!("80/tcp")),
        ("127.0.0.1:{}", json!("80")),
        ("0", json!("80")),
        ("127.0.0.1:0", json!(80)),
    ] {
        let port = free_port();
        let key = key.replace("{}", &port.to_string());
        let mut ports = serde_json::Map::new();
        ports.insert(key.clone(), target.clone());
        let more = json!({ "command": ["sh", "-c", serve], "ports": ports });
        let container = Fixture::create(&api, BUSYBOX, more).await;
        let published = inspect(&api, &container).await["ports"].take();
        let published = published.as_array().expect("a list");
        assert_eq!(
            (published.len(), &published[0]["container_port"]),
            (1, &json!(80)),
            "{key}"
        );
        let host = published[0]["host_port"].as_u64().expect("a port");
        assert!(
            host == u64::from(port) || key.ends_with('0'),
            "{key}: {host}"
        );
        if key.starts_with("127") {
            assert_eq!(published[0]["host_ip"], "127.0.0.1");
        }
        assert!(fetch(host).contains("it answers"), "{key} {target}");
    }
}

#[tokio::test]
async fn a_udp_port_is_another_than_the_tcp_port_of_its_number() {
    let server = server();
    let api = server.client();
    let taken = TcpListener::bind("0.0.0.0:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port();
    let ports = json!({ port.to_string(): "53/udp" });
    let container = Fixture::create(&api, BUSYBOX, json!({ "ports": ports })).await;
    let published = inspect(&api, &container).await["ports"].take();
    assert_eq!(published[0]["protocol"], "udp");
    assert_eq!(published[0]["host_port"], port);
    let second = UdpSocket::bind(("0.0.0.0", port));
    assert!(second.is_err(), "the engine holds the port");
}

#[tokio::test]
async fn volumes_of_every_form() {
    let server = server();
    let api = server.client();
    let outside = std::env::var("PODLANE_TEST_DIR").expect("a folder of this run");
    let host = format!("{outside}/{}", unique("mount"));
    std::fs::create_dir(&host).expect("made");
    std::fs::write(format!("{host}/f"), "of the host").expect("written");
    let volume = unique("volume");
    for (target, read_only) in [
        (json!("/m"), false),
        (json!("/m:rw"), false),
        (json!("/m:ro"), true),
        (json!({ "bind": "/m" }), false),
        (json!({ "bind": "/m", "mode": "ro" }), true),
    ] {
        let more = json!({ "volumes": { host.clone(): target, volume.clone(): "/data" } });
        let container = Fixture::create(&api, BUSYBOX, more).await;
        assert_eq!(container.sh("cat /m/f"), "of the host");
        let written = container.sh("touch /m/g 2>/dev/null && echo yes || echo no");
        assert_eq!(written, if read_only { "no" } else { "yes" }, "{target}");
        let mounts = inspect(&api, &container).await["mounts"].take();
        let mount = mounts
            .as_array()
            .expect("a list")
            .iter()
            .find(|mount| mount["destination"] == "/m");
        assert_eq!(mount.expect("the mount")["read_only"], read_only);
        container.sh("echo more >>/data/log");
    }
    let container = Fixture::create(
        &api,
        BUSYBOX,
        json!({ "volumes": { volume.clone(): "/d:ro" } }),
    )
    .await;
    assert_eq!(
        container.sh("grep -c more /d/log; touch /d/x 2>/dev/null || echo ro"),
        "5\nro"
    );
    assert!(std::path::Path::new(&host).join("g").exists());
    drop(container);
    podman(&["volume", "rm", "-f", &volume]);
    std::fs::remove_dir_all(&host).expect("removed");
}

#[tokio::test]
async fn command_environment_user_directory_and_labels() {
    let server = server();
    let api = server.client();
    let environment =
        json!({ "A": "x y", "N": 1, "F": 1.5, "B": true, "E": "", "Q": "'\"$HOME\n`id`" });
    let list = json!(["A=x y", "N=1", "F=1.5", "B=true", "E=", "Q='\"$HOME\n`id`"]);
    for environment in [environment, list] {
        let more = json!({
            "environment": environment, "user": "1234:5678", "workdir": "/made/here",
            "labels": { "team": "a b", "x.y/z": "" },
        });
        let container = Fixture::create(&api, BUSYBOX, more).await;
        let seen = container
            .sh(r#"printf '%s|' "$A" "$N" "$F" "$B" "${E-unset}" "$Q"; id -u; id -g; pwd"#);
        assert_eq!(
            seen,
            "x y|1|1.5|true||'\"$HOME\n`id`|1234\n5678\n/made/here"
        );
        let inspected = inspect(&api, &container).await;
        assert_eq!(
            inspected["labels"],
            json!({ "team": "a b", "x.y/z": "" }),
            "nothing of our own"
        );
        assert_eq!(
            (&inspected["user"], &inspected["workdir"]),
            (&json!("1234:5678"), &json!("/made/here"))
        );
        let list = api.get("/containers").await.expect(200);
        assert!(!list.text.contains("io.podlane"), "our own label is shown");
    }
    for (command, expected) in [
        (
            json!("sh -c 'echo \"$0|$1\"; exec sleep 1000' 'a b' c\\ d"),
            "a b|c d\n",
        ),
        (
            json!([
                "sh",
                "-c",
                "echo \"$0|$1\"; exec sleep 1000",
                "a b",
                "$HOME 'x"
            ]),
            "a b|$HOME 'x\n",
        ),
    ] {
        let container = Fixture::create(&api, BUSYBOX, json!({ "command": command })).await;
        let mut log = Value::Null;
        for _ in 0..100 {
            log = api.get(&container.path("/logs")).await.expect(200).json["container"]["logs"]
                .take();
            if log != "" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(log, expected);
    }
}

#[tokio::test]
async fn pid_one_is_the_engines_init_where_the_image_has_no_entrypoint() {
    let server = server();
    let api = server.client();
    for (image, init, expected) in [
        (BUSYBOX, None, true),
        (BUSYBOX, Some(json!("auto")), true),
        (BUSYBOX, Some(json!(true)), true),
        (BUSYBOX, Some(json!(false)), false),
        (ENTRYPOINT, None, false),
        (ENTRYPOINT, Some(json!("auto")), false),
        (ENTRYPOINT, Some(json!(true)), true),
    ] {
        let mut more = json!({});
        if image == ENTRYPOINT {
            more["command"] = json!(["sleep 1000"]);
        }
        if let Some(init) = &init {
            more["init"] = init.clone();
        }
        let container = Fixture::create(&api, image, more).await;
        let first = container.sh("tr '\\0' ' ' </proc/1/cmdline");
        assert_eq!(
            first.contains("init"),
            expected,
            "{image} {init:?}: {first}"
        );
        let began = Instant::now();
        if expected {
            let _ = api.act(&container.path("/stop")).await.expect(200);
            assert!(
                began.elapsed() < Duration::from_secs(6),
                "{image} {init:?} did not stop at once"
            );
        }
    }
    let body = json!({ "image": ENTRYPOINT, "name": unique("entry") });
    let container = Fixture::named_in(&body);
    let _ = api.post("/containers", body).await.expect(200);
    assert_eq!(
        container.sh("tr '\\0' ' ' </proc/1/cmdline"),
        "sleep 1000",
        "the image's own command"
    );
}
