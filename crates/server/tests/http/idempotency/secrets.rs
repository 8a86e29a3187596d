//! What shows a secret once shows it again to a repetition.

use super::{VOLUMES, is_replayed, keyed, shown, token};
use crate::client::{Server, get, request};
use axum::body::Body;
use podlane_service::{Role, Scope};
use serde_json::json;

#[tokio::test]
async fn what_is_shown_once_is_shown_again_to_its_own_caller_and_not_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let admin = || token(directory.path(), Some(Role::Admin), &[]);
    let (own, other) = (admin(), admin());
    let to_be_rotated = token(directory.path(), None, &[Scope::VolumesRead]);
    let id = &to_be_rotated["Bearer pdl_".len()..][..12];
    let rotate = format!("/api/v1/tokens/{id}/rotate");
    let new = json!({ "name": "x", "scopes": ["volumes:read"] });
    let hook = json!({ "url": "https://example.org/", "events": ["died"] });
    let ticket = json!({ "action": "exec" });
    let pointers = ["/secret", "/ticket"];
    let mut secrets = Vec::new();
    for (path, body) in [
        ("/api/v1/tokens", &new),
        (&rotate, &json!({})),
        ("/api/v1/containers/web/tickets", &ticket),
        ("/api/v1/webhooks", &hook),
    ] {
        let ask = async |token: &str, key: &str| {
            let reply = server.send(shown(keyed(path, key, body), token)).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            reply
        };
        let first = ask(&own, "shown").await;
        let asked = server.engine.calls();
        let again = ask(&own, "shown").await;
        assert!(!is_replayed(&first) && is_replayed(&again), "{path}");
        assert_eq!(again.text, first.text);
        assert_eq!(server.engine.calls(), asked);
        for different in [ask(&other, "shown").await, ask(&own, "another").await] {
            assert!(!is_replayed(&different), "{path}");
            assert_ne!(different.text, first.text);
        }
        let json = first.json();
        secrets.push(
            pointers
                .iter()
                .find_map(|at| json.pointer(at)?.as_str())
                .unwrap_or_else(|| panic!("{json}"))
                .to_owned(),
        );
        let stranger = shown(keyed(path, "shown", body), "Bearer pdl_0123456789ab_x");
        server.refuses(stranger, 401, Some("Authorization")).await;
    }
    let tokens = shown(get("/api/v1/tokens"), &own);
    let listed = server.send(tokens).await.json();
    assert_eq!(listed["tokens"].as_array().map(Vec::len), Some(6));
    // What its text is good for by now is another matter.
    let revoke = format!("/api/v1/tokens/{}", &secrets[0][4..16]);
    let revoke = request("DELETE", &revoke).body(Body::empty());
    let revoked = server.send(shown(revoke.expect("a request"), &own)).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    let again = server
        .send(shown(keyed("/api/v1/tokens", "shown", &new), &own))
        .await;
    assert!(again.text.contains(&secrets[0]));
    let opens = shown(get(VOLUMES), &format!("Bearer {}", secrets[0]));
    assert_eq!(server.send(opens).await.status, 401);

    for entry in std::fs::read_dir(directory.path()).expect("a directory") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        for secret in &secrets {
            let mut parts = bytes.windows(secret.len());
            assert!(
                !parts.any(|part| part == secret.as_bytes()),
                "{}",
                path.display()
            );
        }
    }
}
