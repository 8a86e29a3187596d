//! What shows a secret once shows it again to a repetition, and leaves it on no disk.

use super::{is_replayed, keyed, options};
use crate::container::Container;
use crate::server_with;
use podlane_testkit::{BUSYBOX, Server};
use serde_json::{Value, json};

#[tokio::test]
async fn what_is_shown_once_is_shown_again_after_a_restart_and_is_not_on_the_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    let server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let admin = json!({ "name": "first", "role": "admin" });
    let admin = server.client().post("/tokens", admin).await.expect(200);
    let admin = format!("Bearer {}", admin.json["secret"].as_str().expect("text"));
    let ask = async |server: &Server, path: &str, body: &Value| {
        let api = keyed(server, "shown").with("authorization", &admin);
        api.post(path, body.clone()).await.expect(200)
    };
    let new = json!({ "name": "made", "scopes": ["containers:read"] });
    let made = ask(&server, "/tokens", &new).await;
    let id = made.json["token"]["id"].as_str().expect("an ID");
    let hook = json!({ "url": "https://example.org/", "events": ["died"], "enabled": false });
    let asked = [
        ("/tokens".to_owned(), new),
        (format!("/tokens/{id}/rotate"), json!({})),
        ("/webhooks".to_owned(), hook),
        (container.path("tickets"), json!({ "action": "exec" })),
    ];
    let mut first = Vec::new();
    for (path, body) in &asked {
        first.push(ask(&server, path, body).await);
    }
    assert!(is_replayed(&first[0]) && first[0].text == made.text);
    server.kill();
    let server = server_with(&options);
    for ((path, body), first) in asked.iter().zip(&first) {
        let again = ask(&server, path, body).await;
        assert!(is_replayed(&again), "{path}");
        assert_eq!(again.text, first.text);
        let secret = [&again.json["secret"], &again.json["ticket"]];
        let secret = secret.iter().find_map(|secret| secret.as_str());
        let secret = secret.expect("a secret").as_bytes();
        for entry in std::fs::read_dir(directory.path()).expect("a directory") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            let found = bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!found, "{}", path.display());
        }
        let text = String::from_utf8_lossy(secret);
        assert!(!server.log().contains(&*text));
    }
    // It has been rotated since: its text is shown, and opens nothing.
    let old = made.json["secret"].as_str().expect("text");
    let old = server
        .client()
        .with("authorization", &format!("Bearer {old}"));
    let _refused = old.get("/containers").await.expect(401);
    let tokens = server.client().with("authorization", &admin);
    let listed = tokens.get("/tokens").await.expect(200).json;
    assert_eq!(listed["tokens"].as_array().map(Vec::len), Some(2));
    let removed = format!("/containers/{}?force=true", container.name);
    let _removed = tokens.delete(&removed).await;
}
