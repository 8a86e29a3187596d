//! Somebody inside who swaps a link in the path, thousands of times.

use super::ways::{Place, Way};
use http::Method;
use podlane_testkit::podman;
use serde_json::json;
use std::fs;

/// What happens at one time.
const AT_ONCE: usize = 8;
const ROUNDS: usize = 1250;

/// As a user: reads and writes end in that user's directory or are refused, never with the rights of
/// another, and never on the host.
#[tokio::test]
async fn links_swapped_in_ten_thousand_operations_lead_nowhere_else() {
    let place = Place::new(Way::Descriptors).await;
    let host = std::env::temp_dir().join(format!("podlane-links-{}", std::process::id()));
    fs::create_dir(&host).expect("made");
    fs::write(host.join("f"), "OF-THE-HOST").expect("written");
    let inside = host.to_str().expect("text");
    place.container.sh(&format!(
        "mkdir -p /priv /w/own {inside}; echo OF-ROOT >/priv/f; chmod 600 /priv/f; chown -R 1000 /w
         ln -s /w/own /w/t1; ln -s /priv /w/t2; ln -s ../../../../../..{inside} /w/t3; ln -s /proc/self/root/priv /w/t4; cp -dP /w/t1 /w/p"
    ));
    let swap =
        "while :; do for t in 1 2 1 3 1 4; do cp -dP /w/t$t /w/n; mv -T /w/n /w/p; done; done";
    podman(&[
        "exec",
        "-d",
        "-u",
        "1000",
        &place.container.name,
        "sh",
        "-c",
        swap,
    ]);

    let clients = (0..AT_ONCE).map(|client| {
        let place = &place;
        async move {
            let mut done = 0;
            let to = format!("/w/own/c{client}");
            let copy = json!({ "operation": "copy", "path": "/w/p/f", "to": to });
            let file = "/files/w/p/f?user=1000";
            for round in 0..ROUNDS {
                let (method, path, body) = match round % 4 {
                    0 => (Method::PUT, file, "of the user".into()),
                    1 => (Method::GET, file, String::new()),
                    2 => (Method::POST, "/file-operations?user=1000", copy.to_string()),
                    _ => (Method::DELETE, file, String::new()),
                };
                let json = [("content-type", "application/json")];
                let headers = if round % 4 == 2 { &json[..] } else { &[] };
                let answer = place.ask(method, path, headers, body).await;
                assert!(!answer.text.contains("OF-"), "{}", answer.text);
                assert!(!answer.status.is_server_error(), "{}", answer.text);
                done += usize::from(answer.status.is_success());
            }
            done
        }
    });
    let done: usize = futures_util::future::join_all(clients)
        .await
        .into_iter()
        .sum();
    assert!(done > ROUNDS, "only {done} operations found the user's own");

    podman(&["restart", "-t", "0", &place.container.name]);
    let look = format!(
        "cat /priv/f; ls -A /priv {inside}; cat /w/own/* 2>/dev/null | grep -c OF- || true"
    );
    let left = place.container.sh(&look);
    let expected = format!("OF-ROOT\n/priv:\nf\n\n{inside}:\n0");
    assert_eq!(left, expected);
    assert_eq!(
        fs::read(host.join("f")).expect("still there"),
        b"OF-THE-HOST"
    );
    assert_eq!(fs::read_dir(&host).expect("there").count(), 1);
    fs::remove_dir_all(&host).expect("removed");
    place.container.assert_clean();
}
