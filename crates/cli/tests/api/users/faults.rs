//! Account files that are not as they should be, and many who change them at once.

use super::{add, field};
use crate::fixture::Fixture;
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, DEBIAN, ServerOptions, podman};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn account_files_of_another_kind_are_refused_and_stay() {
    let server = server();
    let api = server.client();
    let make = [
        "ln -s /tmp/passwd /etc/passwd",
        "ln -s /dev/zero /etc/passwd",
        "mkdir /etc/passwd",
        "mkfifo /etc/passwd",
    ];
    for (image, line) in [BUSYBOX, DEBIAN]
        .iter()
        .flat_map(|image| make.map(|line| (*image, line)))
    {
        let container = Fixture::create(&api, image, json!({})).await;
        container.sh(&format!("cp /etc/passwd /tmp/; rm /etc/passwd && {line}"));
        let began = Instant::now();
        let answer = add(
            &api,
            &container,
            json!({ "username": "ann", "password": "x" }),
        )
        .await;
        assert_eq!(answer.status, 409, "{image} {line}: {}", answer.text);
        assert!(answer.message().contains("/etc/passwd"), "{}", answer.text);
        assert!(began.elapsed() < Duration::from_secs(15), "it hung");
        // Nothing can be run in a container whose passwd is no file: Podman itself would wait or fail.
        if line.starts_with("ln") {
            assert!(!container.sh("readlink /etc/passwd").is_empty());
            assert_eq!(container.sh("grep -c ann /tmp/passwd || true"), "0");
            container.assert_clean();
        }
    }
}

#[tokio::test]
async fn a_huge_passwd_is_refused_and_an_unended_one_is_ended() {
    let server = server();
    let api = server.client();
    let huge = Fixture::create(&api, BUSYBOX, json!({})).await;
    huge.sh("yes '#2345678901234567890123456789012345678901234567890123456789012345' | head -c 9437184 >>/etc/passwd");
    let answer = add(&api, &huge, json!({ "username": "ann" }))
        .await
        .expect(409);
    assert!(answer.message().contains("/etc/passwd"), "{}", answer.text);
    assert_eq!(huge.sh("wc -c </etc/passwd"), "9437214");

    for running in [true, false] {
        let container = Fixture::create(&api, BUSYBOX, json!({})).await;
        container.sh("printf 'bob:x:1000:1000::/:/bin/sh' >>/etc/passwd; printf '# odd\\n\\nx::' >>/etc/shadow; rm /etc/group");
        if !running {
            podman(&["stop", "-t", "0", &container.name]);
        }
        let _ = add(
            &api,
            &container,
            json!({ "username": "ann", "password": "x" }),
        )
        .await
        .expect(200);
        assert_eq!(field(&container, "passwd", "bob", 6), "/bin/sh");
        assert_eq!(field(&container, "passwd", "ann", 2), "1001");
        assert_eq!(field(&container, "group", "ann", 2), "1001");
        let shadow = String::from_utf8(container.read("/etc/shadow")).expect("text");
        assert!(shadow.contains("# odd\n\nx::\nann:$6$"), "{shadow}");
        container.assert_clean();
    }
}

#[tokio::test]
async fn a_full_disk_leaves_the_account_files_whole() {
    let server = server();
    let api = server.client();
    let container = Fixture::run(BUSYBOX, &["--tmpfs", "/etc:size=64k"]);
    container.sh("echo root:x:0:0::/:/bin/sh >/etc/passwd; echo root:x:0: >/etc/group; touch /etc/.pwd.lock; dd if=/dev/zero of=/etc/fill bs=4k 2>/dev/null; true");
    let before = container.sh("cat /etc/passwd /etc/group; ls -A /etc");
    let answer = add(
        &api,
        &container,
        json!({ "username": "ann", "password": "x" }),
    )
    .await;
    assert_eq!(answer.expect(507).json["error"]["type"], "PodmanAPIError");
    assert_eq!(
        container.sh("cat /etc/passwd /etc/group; ls -A /etc"),
        before
    );
    container.assert_clean();
}

async fn many(image: &str, count: usize, others: Option<&str>) -> Fixture {
    let options = ServerOptions::default()
        .env("REQUEST_TIMEOUT", "110")
        .env("MAX_WORKERS", "50");
    let server = server_with(&options);
    let api = server.client();
    let container = Fixture::create(&api, image, json!({})).await;
    if let Some(line) = others {
        podman(&["exec", "-d", &container.name, "sh", "-c", line]);
    }
    let calls: Vec<_> = (0..count)
        .map(|number| {
            let (api, path) = (api.clone(), container.path("/users"));
            let body = json!({ "username": format!("user{number}"), "password": "x" });
            tokio::spawn(async move { api.post(&path, body).await })
        })
        .collect();
    for call in calls {
        let _ = call.await.expect("answered").expect(200);
    }
    let passwd = String::from_utf8(container.read("/etc/passwd")).expect("text");
    let mut ids: Vec<&str> = passwd
        .lines()
        .filter_map(|line| line.split(':').nth(2))
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an ID was given twice:\n{passwd}");
    for number in 0..count {
        assert!(field(&container, "shadow", &format!("user{number}"), 1).starts_with("$6$"));
        assert!(!field(&container, "passwd", &format!("user{number}"), 2).is_empty());
    }
    container.assert_clean();
    container
}

#[tokio::test]
async fn fifty_at_once_are_fifty_accounts() {
    many(BUSYBOX, 50, None).await;
}

#[tokio::test]
async fn fifty_at_once_against_useradd_inside() {
    let line = "n=0; while [ $n -lt 200 ]; do useradd inside$n && echo inside$n >>/made; n=$((n+1)); done; echo end >>/made";
    let container = many(DEBIAN, 50, Some(line)).await;
    let lost = container.sh("for u in $(grep -v end /made); do grep -q ^$u: /etc/passwd && grep -q ^$u: /etc/shadow || echo $u; done");
    assert_eq!(lost, "", "accounts made inside were lost");
    assert!(
        container
            .sh("grep -c . /made")
            .parse::<u32>()
            .is_ok_and(|made| made > 5)
    );
}
