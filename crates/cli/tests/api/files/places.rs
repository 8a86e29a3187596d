//! Where a file may be written, and where never: links, directories, devices, the kernel's own files.

use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, podman};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn paths_that_no_file_can_have_reach_no_file_system() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let before = podman(&["diff", &container.name]).stdout;
    let long = format!("/{}x", "a/".repeat(2047));
    assert_eq!(long.len(), 4096);
    for path in [
        "",
        "/",
        "tmp/f",
        "./f",
        "../f",
        "~/f",
        "/tmp/../f",
        "/../f",
        "/tmp/..",
        "/tmp/f/",
        "/tmp/.",
        "/tmp/f\0",
        "/\0",
        &long,
        &format!("{long}y"),
        &format!("/tmp/{}", "n".repeat(256)),
        &format!("/{}/f", "é".repeat(128)),
        "/proc/1/comm",
        "/proc/sys/kernel/core_pattern",
        "/proc",
        "/sys/x",
        "//sys//x",
        "/dev/null",
        "/dev/shm/x",
        "/./dev/x",
    ] {
        container
            .write(&api, path, "x")
            .await
            .refused(400, "dest_path");
    }
    assert_eq!(podman(&["diff", &container.name]).stdout, before);
    for path in [
        format!("/tmp/{}", "n".repeat(255)),
        "/process".into(),
        "/devel/x".into(),
    ] {
        let _ = container.write(&api, &path, "x").await.expect(200);
    }
    // Longer than the engine can take below its own directories: refused, and not by a failure.
    let long = format!("/tmp/{}f", "b/".repeat(2044));
    container
        .write(&api, &long, "x")
        .await
        .refused(400, "dest_path");
    container.assert_clean();
}

#[tokio::test]
async fn directories_and_special_files_stay_what_they_are() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    container.sh("mkdir -p /d/sub && echo keep > /d/sub/f && mkfifo /fifo && ln -s fifo /to-fifo");
    container.sh("mknod /node c 1 3; ln -s /socket /dev/log; syslogd -O /tmp/log; ln -s d /to-dir; ln -s / /to-root");
    let began = Instant::now();
    for path in [
        "/d", "/fifo", "/to-fifo", "/node", "/socket", "/to-dir", "/to-root", "/etc", "/d/sub",
    ] {
        let answer = container.write(&api, path, "x").await;
        assert_eq!(answer.status, 409, "{path}: {}", answer.text);
    }
    assert!(began.elapsed() < Duration::from_secs(25), "it hung");
    assert_eq!(
        container
            .sh("cat /d/sub/f; test -p /fifo && test -c /node && test -S /socket && test -L /to-dir && echo same"),
        "keep\nsame"
    );
    container
        .write(&api, "/etc/passwd/f", "x")
        .await
        .refused(400, "dest_path");
    container
        .write(&api, "/etc/passwd/a/b/f", "x")
        .await
        .refused(400, "dest_path");
    // Mounted into the container by the engine: can't be replaced.
    let answer = container.write(&api, "/etc/hosts", "x").await;
    answer.refused(409, "dest_path");
    container.assert_clean();
    podman(&["stop", "-t", "0", &container.name]);
    for path in ["/d", "/fifo", "/node", "/socket", "/to-dir"] {
        let answer = container.write(&api, path, "x").await;
        assert_eq!(answer.status, 409, "stopped, {path}: {}", answer.text);
    }
    assert_eq!(container.read("/d/sub/f"), b"keep\n");
    container.assert_clean();
}

#[tokio::test]
async fn links_are_followed_and_stay() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    container.sh("mkdir /d && echo old > /d/target && ln -s /d/target /abs && ln -s d/target /rel && ln -s abs /twice");
    container.sh("ln -s /d/new /dangling && ln -s /no/where /nowhere && ln -s loop /loop && ln -s two /one && ln -s one /two && ln -s /proc/sys /kernel");
    for (link, target) in [
        ("/abs", "/d/target"),
        ("/rel", "/d/target"),
        ("/twice", "/d/target"),
        ("/dangling", "/d/new"),
        ("/nowhere", "/no/where"),
    ] {
        let answer = container.write(&api, link, link).await.expect(200);
        assert_eq!(answer.json["file"]["path"], target);
        assert_eq!(answer.json["file"]["dest_path"], link);
        assert_eq!(
            container.sh(&format!("test -L {link} && cat {target}")),
            link
        );
    }
    for path in ["/loop", "/one", "/loop/x", "/one/x/y"] {
        let answer = container.write(&api, path, "x").await;
        answer.refused(409, "dest_path");
    }
    container
        .write(&api, "/kernel/kernel/x", "x")
        .await
        .refused(400, "dest_path");
    container.assert_clean();
}

#[tokio::test]
async fn links_never_lead_out_of_the_container() {
    let server = server();
    let api = server.client();
    let outside = std::env::var("PODLANE_TEST_DIR").expect("a folder of this run");
    let host = format!("{outside}/victim-{}", std::process::id());
    std::fs::write(&host, "of the host").expect("written");
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    container.sh(&format!("mkdir -p {outside}"));
    container.sh("ln -s / /evil; ln -s ../../../../../.. /up; ln -s /proc/1/root /one; ln -s /proc/self/root /self");
    container.sh(&format!(
        "ln -s {host} /file; mkdir -p /x; ln -s ../../../../..{host} /x/file"
    ));
    for running in [true, false] {
        for prefix in ["/evil", "/up", ""] {
            let path = format!("{prefix}{host}");
            let answer = container.write(&api, &path, "inside").await.expect(200);
            if running {
                assert_eq!(answer.json["file"]["path"], host.as_str());
            }
            assert_eq!(container.read(&host), b"inside");
        }
        for path in ["/file", "/x/file"] {
            let _ = container.write(&api, path, path).await.expect(200);
            assert_eq!(container.read(&host), path.as_bytes());
        }
        for prefix in ["/one", "/self"] {
            let answer = container.write(&api, &format!("{prefix}{host}"), "x").await;
            assert!(!answer.status.is_server_error(), "{}", answer.text);
        }
        assert_eq!(std::fs::read(&host).expect("there"), b"of the host");
        container.assert_clean();
        podman(&["stop", "-t", "0", &container.name]);
    }
    std::fs::remove_file(&host).expect("removed");
}

#[tokio::test]
async fn a_parent_swapped_meanwhile_splits_nothing() {
    let server = server();
    let api = server.client();
    let host = format!("/tmp/podlane-swap-{}", std::process::id());
    std::fs::create_dir(&host).expect("made");
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    container.sh(&format!(
        "mkdir -p /a /b {host}; ln -s /a /p; ln -s /a /ta; ln -s /b /tb; ln -s {host} /th"
    ));
    let swap = "while :; do for l in a b h; do cp -dP /t$l /n; mv -T /n /p; done; done";
    podman(&["exec", "-d", &container.name, "sh", "-c", swap]);
    let mut written = 0;
    for number in 0..50 {
        let answer = container
            .write(&api, "/p/f", &format!("content {number}"))
            .await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 409),
            "{}",
            answer.text
        );
        written += u32::from(answer.status == 200);
    }
    assert!(written >= 25, "only {written} of 50 were written");
    podman(&["restart", "-t", "0", &container.name]);
    let whole = container.sh(&format!(
        "cat /a/f /b/f {host}/f 2>/dev/null | tr -d '\\n'; ls -A /a /b {host}"
    ));
    assert!(whole.contains("content 49") || written < 50, "{whole}");
    assert_eq!(
        std::fs::read_dir(&host).expect("there").count(),
        0,
        "the host's directory"
    );
    std::fs::remove_dir(&host).expect("removed");
    container.assert_clean();
}
