//! A password and its hash are seen by nobody.

use super::{add, field};
use crate::fixture::Fixture;
use crate::server_with;
use podlane_testkit::{BUSYBOX, DEBIAN, ServerOptions, podman};
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PASSWORD: &str = "Xq7-very-secret-Zw9";

/// Every argument vector and environment seen until told to stop: the containers' processes are
/// visible in the tests' own /proc.
fn watch(stop: Arc<AtomicBool>) -> std::thread::JoinHandle<(String, usize)> {
    std::thread::spawn(move || {
        let (mut seen, mut looked) = (String::new(), 0);
        while !stop.load(Ordering::Relaxed) {
            for entry in fs::read_dir("/proc").expect("/proc").flatten() {
                for file in ["cmdline", "environ"] {
                    let read = fs::read(entry.path().join(file)).unwrap_or_default();
                    let text = String::from_utf8_lossy(&read).replace('\0', " ");
                    looked += usize::from(!text.is_empty());
                    if text.contains(PASSWORD) || text.contains("$6$") {
                        seen.push_str(&text);
                    }
                }
            }
        }
        (seen, looked)
    })
}

#[tokio::test]
async fn passwords_and_hashes_are_seen_nowhere() {
    let server = server_with(ServerOptions::default().env("DEBUG", "true"));
    let api = server.client();
    for image in [DEBIAN, BUSYBOX] {
        let container = Fixture::create(&api, image, json!({})).await;
        let stop = Arc::new(AtomicBool::new(false));
        let watching = watch(Arc::clone(&stop));
        for number in 0..5 {
            let body = json!({ "username": format!("user{number}"), "password": PASSWORD });
            let answer = add(&api, &container, body).await.expect(200);
            assert!(!answer.text.contains(PASSWORD));
        }
        let again = add(
            &api,
            &container,
            json!({ "username": "user1", "password": PASSWORD }),
        )
        .await;
        assert!(!again.expect(409).text.contains(PASSWORD));
        stop.store(true, Ordering::Relaxed);
        let (seen, looked) = watching.join().expect("watched");
        assert_eq!(seen, "", "in an argument vector or an environment");
        assert!(looked > 0, "the watch saw nothing");
        let hash = field(&container, "shadow", "user1", 1);
        let log = server.log();
        assert!(
            log.contains("user") && !log.contains(PASSWORD) && !log.contains(&hash),
            "{log}"
        );
        let inspected = podman(&["inspect", &container.name]).stdout;
        let mut texts = vec![String::from_utf8_lossy(&inspected).into_owned()];
        let execs = podman(&[
            "inspect",
            "--format",
            "{{range .ExecIDs}}{{.}} {{end}}",
            &container.name,
        ]);
        for exec in String::from_utf8_lossy(&execs.stdout).split_whitespace() {
            texts.push(inspect_exec(exec));
        }
        for text in texts {
            assert!(!text.contains(PASSWORD) && !text.contains(&hash), "{text}");
        }
    }
}

fn inspect_exec(id: &str) -> String {
    let socket = podlane_testkit::podman_socket();
    let output = std::process::Command::new("curl")
        .args(["-s", "--unix-socket"])
        .arg(socket)
        .arg(format!("http://podman/v4.0.0/libpod/exec/{id}/json"))
        .output()
        .expect("curl can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
