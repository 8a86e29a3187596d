//! Archives and stats of paths.

use super::*;
use base64::Engine as _;
use tar::{Builder, EntryType, Header};

fn tar_of(entries: &[(&str, EntryType, &str, u32, u64)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, data, mode, uid) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_uid(*uid);
        header.set_gid(*uid);
        header.set_mtime(1000);
        let content: &[u8] = if *kind == EntryType::Symlink {
            header.set_link_name(data).unwrap();
            &[]
        } else {
            data.as_bytes()
        };
        header.set_size(content.len() as u64);
        // The name is set by hand: the library refuses `..` and absolute names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

async fn put(fake: &FakePodman, query: &str, body: Vec<u8>) -> Reply {
    ask(fake, "PUT", &format!("/containers/c/archive?{query}"), body).await
}

async fn stat(fake: &FakePodman, path: &str) -> (u16, Value) {
    let reply = ask(
        fake,
        "HEAD",
        &format!("/containers/c/archive?path={path}"),
        "",
    )
    .await;
    let header = reply.headers.get("x-docker-container-path-stat");
    let stat = header.map_or(Value::Null, |header| {
        let bytes = base64::engine::general_purpose::URL_SAFE
            .decode(header)
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    });
    (reply.status.as_u16(), stat)
}

async fn filled(version: FakeVersion) -> FakePodman {
    let fake = fake(version).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let tar = tar_of(&[
        ("f", EntryType::Regular, "hello", 0o4755, 77),
        ("sub", EntryType::Directory, "", 0o1777, 0),
        ("sub/g", EntryType::Regular, "x", 0o600, 5),
        ("ln", EntryType::Symlink, "f", 0o777, 0),
        ("lnabs", EntryType::Symlink, "/tmp/t/sub", 0o777, 0),
        ("dangle", EntryType::Symlink, "nowhere", 0o777, 0),
        ("loop", EntryType::Symlink, "loop", 0o777, 0),
        (
            "esc",
            EntryType::Symlink,
            "../../../../etc/passwd",
            0o777,
            0,
        ),
    ]);
    let reply = put(&fake, "path=/tmp/t", tar).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    fake
}

#[tokio::test]
async fn stats_are_those_of_the_recording() {
    let fake = filled(FakeVersion::V43).await;
    let time = "1970-01-01T00:16:40Z";
    let expected = |name: &str, size: u32, mode: u32, dir: bool, target: &str| json!({"name": name, "size": size, "mode": mode, "mtime": time, "isDir": dir, "linkTarget": target});
    let cases = [
        (
            "/tmp/t/f",
            200,
            expected("f", 5, 8_389_101, false, "/tmp/t/f"),
        ),
        (
            "/tmp/t/sub",
            200,
            expected("sub", 4096, 2_148_532_735, true, "/tmp/t/sub"),
        ),
        (
            "/tmp/t/ln",
            200,
            expected("f", 1, 134_218_239, false, "/tmp/t/f"),
        ),
        (
            "/tmp/t/lnabs",
            200,
            expected("sub", 10, 134_218_239, true, "/tmp/t/sub"),
        ),
        (
            "/tmp/t/lnabs/g",
            200,
            expected("g", 1, 384, false, "/tmp/t/lnabs/g"),
        ),
        (
            "/tmp/t/dangle",
            404,
            expected("nowhere", 7, 134_218_239, false, "/tmp/t/nowhere"),
        ),
        (
            "/tmp/t/esc",
            200,
            expected("passwd", 22, 134_218_239, false, "/etc/passwd"),
        ),
        (
            "/tmp/t/sub/.",
            200,
            expected(".", 4096, 2_148_532_735, true, "/tmp/t/sub/."),
        ),
        ("/tmp/t/loop", 500, Value::Null),
        ("/tmp/t/f/x", 404, Value::Null),
        ("/nofile", 404, Value::Null),
    ];
    for (path, status, value) in cases {
        assert_eq!(stat(&fake, path).await, (status, value), "{path}");
    }
    assert_eq!(stat(&fake, "/").await.1["linkTarget"], "/.");
    assert_eq!(stat(&fake, "/dev/null").await.1["mode"], 69_206_454);
}

#[tokio::test]
async fn archives_come_out_as_recorded() {
    for (version, directory) in [(FakeVersion::V43, "t"), (FakeVersion::V58, "t/")] {
        let fake = filled(version).await;
        let names = |reply: &Reply| -> Vec<(String, EntryType, u64)> {
            let mut archive = tar::Archive::new(&reply.body[..]);
            let entries = archive.entries().unwrap().map(Result::unwrap);
            let named = entries.map(|entry| {
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                (
                    name,
                    entry.header().entry_type(),
                    entry.header().uid().unwrap(),
                )
            });
            named.collect()
        };
        let reply = get(&fake, "/containers/c/archive?path=/tmp/t").await;
        let all = names(&reply);
        assert_eq!(all[0], (directory.to_owned(), EntryType::Directory, 0));
        assert!(all.contains(&("t/ln".to_owned(), EntryType::Symlink, 0)));
        assert!(all.contains(&("t/sub/g".to_owned(), EntryType::Regular, 0)));
        let reply = get(&fake, "/containers/c/archive?path=/tmp/t/ln").await;
        assert_eq!(names(&reply), [("ln".to_owned(), EntryType::Regular, 0)]);
        let reply = get(&fake, "/containers/c/archive?path=/tmp/t/sub/.").await;
        assert_eq!(names(&reply), [("g".to_owned(), EntryType::Regular, 0)]);
        assert_eq!(
            get(&fake, "/containers/c/archive?path=/nofile")
                .await
                .status,
            404
        );
        assert_eq!(get(&fake, "/containers/c/archive").await.status, 400);
    }
}

#[tokio::test]
async fn owners_links_and_outsiders() {
    let fake = filled(FakeVersion::V43).await;
    let file = |name: &str| tar_of(&[(name, EntryType::Regular, "x", 0o644, 77)]);
    let owner = async |path: &str| {
        let (frames, _) = exec(&fake, "c", &["stat", "-c", "%u %a", path], Value::Null).await;
        stream(&frames, 1)
    };
    put(&fake, "path=/tmp&copyUIDGID=false", file("kept")).await;
    assert_eq!(owner("/tmp/kept").await, "77 644\n");
    put(&fake, "path=/tmp", file("taken")).await;
    assert_eq!(owner("/tmp/taken").await, "0 644\n");
    put(&fake, "path=/tmp/t/lnabs", file("h")).await;
    assert!(fake.read_file("c", "/tmp/t/sub/h").is_some());
    put(&fake, "path=/tmp/t/dangle", file("h")).await;
    assert!(fake.read_file("c", "/tmp/t/nowhere/h").is_some());
    put(&fake, "path=/tmp/t", file("../../up")).await;
    assert!(fake.read_file("c", "/up").is_none() && fake.read_file("c", "/tmp/up").is_none());
    put(&fake, "path=/tmp/t", file("/abs")).await;
    assert!(fake.read_file("c", "/abs").is_none() && fake.read_file("c", "/tmp/t/abs").is_some());
    put(&fake, "path=/tmp/t", file("sub")).await;
    assert_eq!(
        fake.read_file("c", "/tmp/t/sub").as_deref(),
        Some(&b"x"[..])
    );
    let reply = put(&fake, "path=/tmp/t/f", file("h")).await;
    assert_eq!(
        reply.json()["message"],
        "copier: put: /tmp/t/f (/tmp/t/f): exists but is not a directory"
    );
    let reply = put(&fake, "path=/tmp", b"notatar".repeat(300)).await;
    assert_eq!(reply.json()["cause"], "archive/tar: invalid tar header");
    assert_eq!(put(&fake, "path=/tmp", Vec::new()).await.status, 200);
}

#[tokio::test]
async fn read_only_mounts_and_roots_refuse() {
    let fake = fake(FakeVersion::V58).await;
    let mount = json!({
        "mounts": [{"type": "bind", "source": "/tmp", "destination": "/ro", "options": ["ro"]}],
        "volumes": [{"Name": "v", "Dest": "/data"}],
        "read_only_filesystem": true,
    });
    run(&fake, "c", &["sleep", "100"], mount).await;
    let tar = tar_of(&[("a.txt", EntryType::Regular, "x", 0o644, 0)]);
    let reply = put(&fake, "path=/ro", tar.clone()).await;
    assert_eq!(reply.json()["cause"], "read-only file system");
    assert_eq!(
        reply.json()["message"],
        "copier: put: error creating \"/ro/a.txt\": copier: put: error opening file \"/ro/a.txt\" for writing: open /ro/a.txt: read-only file system"
    );
    assert_eq!(put(&fake, "path=/etc", tar.clone()).await.status, 500);
    assert_eq!(put(&fake, "path=/data", tar).await.status, 200);
    let (frames, _) = exec(&fake, "c", &["touch", "/x"], Value::Null).await;
    assert_eq!(stream(&frames, 2), "touch: /x: Read-only file system\n");
}
