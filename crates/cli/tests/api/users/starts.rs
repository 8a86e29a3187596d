//! Containers that have just been started: their accounts are their agent's to change from then on.

use super::add;
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{DEBIAN, podman};
use serde_json::json;

#[tokio::test]
async fn a_start_leaves_no_accounts_without_the_lock() {
    const LOOP: &str = "n=0; while [ $n -lt 60 ]; do useradd in$ROUND$n && echo in$ROUND$n >>/made; n=$((n+1)); done; echo end >>/made";
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let info = container.path("/file-info?path=/etc/passwd");
    // Started by the API and, without its knowing, by Podman.
    for (round, by_api) in [("a", true), ("b", false)] {
        podman(&["stop", "-t", "0", &container.name]);
        let _ = api.get(&container.path("/users")).await.expect(200);
        let _ = api.get(&info).await.expect(200);
        if by_api {
            let _ = api
                .post(&container.path("/start"), json!({}))
                .await
                .expect(200);
        } else {
            podman(&["start", &container.name]);
        }
        let found = api.get(&info).await.expect(200);
        assert_eq!(found.json["file"]["uid"], 0, "no agent: {}", found.text);
        let line = format!("ROUND={round}; {LOOP}");
        podman(&["exec", "-d", &container.name, "sh", "-c", &line]);
        for number in 0..10 {
            let body = json!({ "username": format!("api{round}{number}") });
            let _ = add(&api, &container, body).await.expect(200);
        }
        container.sh("until grep -q end /made; do sleep 0.2; done");
        let lost = container.sh("for u in $(grep -v end /made); do grep -q ^$u: /etc/passwd && grep -q ^$u: /etc/shadow || echo $u; done; rm /made");
        assert_eq!(lost, "", "accounts made inside were lost");
        container.sh(&format!(
            "for n in 0 1 2 3 4 5 6 7 8 9; do id api{round}$n; done"
        ));
    }
}
