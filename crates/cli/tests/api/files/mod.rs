//! `POST /containers/{name}/files`: what a file holds, and how it looks inside.

mod archived;
mod archives;
mod faults;
mod hostile;
mod losses;
mod places;
mod transfers;
mod ways;

use crate::fixture::Fixture;
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, DEBIAN, SCRATCH, ServerOptions, podman};
use serde_json::json;

#[tokio::test]
async fn content_and_size() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    for content in [
        "",
        "Hello, World!\nThis is file content.",
        "no last newline",
        "žluťoučký kůň 🐎\u{feff}",
        "tab\tquote'\"$HOME `id` \\ \r\n",
        "nul\0inside",
        &"0123456789abcdef".repeat(1 << 16),
    ] {
        let answer = container.write(&api, "/data/deep/er/file", content).await;
        let file = &answer.expect(200).json["file"];
        assert_eq!(file["dest_path"], "/data/deep/er/file");
        assert_eq!(file["size"], content.len(), "size is bytes");
        assert!(container.read("/data/deep/er/file") == content.as_bytes());
    }
    let body = json!({ "dest_path": "/data/bin", "content": "AP/+gAo=", "encoding": "base64" });
    let answer = api.post(&container.path("/files"), body).await.expect(200);
    assert_eq!(answer.json["file"]["size"], 5);
    assert_eq!(container.read("/data/bin"), b"\0\xff\xfe\x80\n");
    container.assert_clean();
}

#[tokio::test]
async fn modes_and_owners() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let look = |path: &str| container.sh(&format!("stat -c '%a %u:%g' {path}"));
    let _ = container.write(&api, "/srv/new/f", "x").await.expect(200);
    assert_eq!(look("/srv/new/f"), "644 0:0");
    assert_eq!(look("/srv/new"), "755 0:0");

    container.sh("chmod 750 /srv/new/f");
    let _ = container.write(&api, "/srv/new/f", "y").await.expect(200);
    assert_eq!(
        look("/srv/new/f"),
        "750 0:0",
        "an overwritten file keeps its mode"
    );
    container.sh("chmod 4755 /srv/new/f");
    let _ = container.write(&api, "/srv/new/f", "y").await.expect(200);
    assert_eq!(
        look("/srv/new/f"),
        "755 0:0",
        "new content is not set-user-ID"
    );

    for (mode, owner, expected) in [
        ("0600", "1000:1001", "600 1000:1001"),
        ("755", "0:0", "755 0:0"),
        ("4711", "0:4294967294", "4711 0:4294967294"),
        ("0000", "65534:65534", "0 65534:65534"),
    ] {
        let body =
            json!({ "dest_path": "/srv/new/f", "content": "z", "mode": mode, "owner": owner });
        let _ = api.post(&container.path("/files"), body).await.expect(200);
        assert_eq!(look("/srv/new/f"), expected);
    }
    container.assert_clean();
}

#[tokio::test]
async fn the_default_owner_is_the_containers_user() {
    let server = server();
    let api = server.client();
    for (user, expected) in [
        ("1000", "1000:0"),
        ("1000:1001", "1000:1001"),
        ("root", "0:0"),
    ] {
        let container = Fixture::create(&api, BUSYBOX, json!({ "user": user })).await;
        let _ = container
            .write(&api, "/tmp/new/f", "mine")
            .await
            .expect(200);
        let owner = container.sh("stat -c %u:%g /tmp/new/f");
        assert_eq!(owner, expected, "user {user}");
        let _ = container
            .write(&api, "/tmp/new/f", "again")
            .await
            .expect(200);
        assert_eq!(container.sh("cat /tmp/new/f"), "again");
        container.assert_clean();
    }
}

#[tokio::test]
async fn stopped_containers_and_images_without_tools() {
    let server = server();
    let api = server.client();
    let running = Fixture::create(&api, SCRATCH, json!({})).await;
    let stopped = [Fixture::stopped(SCRATCH), Fixture::stopped(BUSYBOX)];
    for container in stopped.iter().chain([&running]) {
        for content in ["one", "", "and another one"] {
            let answer = container.write(&api, "/a/b c/f", content).await.expect(200);
            assert_eq!(answer.json["file"]["path"], "/a/b c/f");
            assert_eq!(container.read("/a/b c/f"), content.as_bytes());
        }
        container.assert_clean();
    }
    let body = json!({ "dest_path": "/x", "content": "x", "mode": "0750", "owner": "7:8" });
    for container in &stopped {
        let _ = api
            .post(&container.path("/files"), body.clone())
            .await
            .expect(200);
    }
    podman(&["start", &stopped[1].name]);
    assert_eq!(stopped[1].sh("stat -c '%a %u:%g' /x"), "750 7:8");
}

#[tokio::test]
async fn more_than_the_limit_is_refused_whole() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_FILE_BYTES", "100000")
        .env("PODLANE_LIMITS_BODY_BYTES", "200000");
    let server = server_with(options);
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let send = |size: usize| {
        let content = "x".repeat(size);
        let container = &container;
        let api = &api;
        async move { container.write(api, "/big", &content).await }
    };
    // Of a file too large, and of a body too large for any file.
    for size in [100_001, 199_000, 200_000] {
        assert!(!send(size).await.expect(413).message().is_empty());
    }
    assert_eq!(container.sh("ls /big 2>/dev/null || echo none"), "none");
    let answer = send(100_000).await.expect(200);
    assert_eq!(answer.json["file"]["size"], 100_000);
    container.assert_clean();
}

#[tokio::test]
async fn fields_that_are_wrong_are_named() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    for (field, value) in [
        ("mode", json!("rwx")),
        ("mode", json!("99")),
        ("owner", json!("root")),
        ("owner", json!("1000")),
        ("content", json!("not base64!")),
    ] {
        let mut body = json!({ "dest_path": "/f", "content": "QQ==", "encoding": "base64" });
        body[field] = value;
        api.post(&container.path("/files"), body)
            .await
            .refused(400, field);
    }
    let missing = api.post(
        "/containers/no-such/files",
        json!({ "dest_path": "/f", "content": "" }),
    );
    assert!(missing.await.expect(404).message().contains("no-such"));
    assert_eq!(container.sh("ls /f 2>/dev/null || echo none"), "none");
}
