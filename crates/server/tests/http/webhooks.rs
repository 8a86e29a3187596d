//! Webhooks as they are made and changed; nothing is sent here.

use crate::client::{Server, get, post, request};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

fn wanted(more: &Value) -> String {
    let mut body = json!({ "url": "https://example.org/hooks", "events": ["died", "oom", "died"] });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    body.to_string()
}

fn change(id: &str, body: &Value) -> Request<Body> {
    request("PATCH", &format!("/api/v1/webhooks/{id}"))
        .header("Content-Type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

#[tokio::test]
async fn a_webhook_from_its_making_to_its_removal() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let empty = server.get("/api/v1/webhooks").await.json();
    assert_eq!(empty["webhooks"], json!([]));
    let file = directory.path().join("webhooks.db");
    assert!(!file.exists(), "nothing is kept before there is one");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = wanted(&json!({ "secret": secret, "labels": ["course=net-101", "team"] }));
    let made = server.post("/api/v1/webhooks", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(made["secret"], secret);
    let id = made["webhook"]["id"].as_str().expect("an ID").to_owned();
    assert_eq!(made["webhook"]["events"], json!(["died", "oom"]));
    let path = format!("/api/v1/webhooks/{id}");
    let shown = server.get(&path).await.json();
    assert_eq!(shown["webhook"], made["webhook"]);
    assert!(!shown.to_string().contains("whsec_"));

    let body =
        json!({ "events": ["start"], "labels": [], "name_prefix": "lab-", "enabled": false });
    let changed = server.send(change(&id, &body)).await.json();
    assert_eq!(changed["webhook"]["events"], json!(["start"]));
    assert_eq!(changed["webhook"]["labels"], json!([]));
    assert_eq!(changed["webhook"]["name_prefix"], "lab-");
    assert_eq!(changed["webhook"]["enabled"], false);
    assert_eq!(changed["webhook"]["url"], "https://example.org/hooks");
    let body = json!({ "name_prefix": "" });
    let changed = server.send(change(&id, &body)).await.json();
    assert_eq!(changed["webhook"]["name_prefix"], Value::Null);

    let made = server
        .post("/api/v1/webhooks", wanted(&json!({})))
        .await
        .json();
    let secret = made["secret"].as_str().expect("a secret");
    assert!(
        secret.starts_with("whsec_") && secret.len() == 50,
        "{secret}"
    );
    let _third = server.post("/api/v1/webhooks", wanted(&json!({}))).await;
    let full = server.post("/api/v1/webhooks", wanted(&json!({}))).await;
    assert_eq!(full.status, 409, "{}", full.text);
    assert!(full.text.contains("limits.webhooks"), "{}", full.text);

    let deliveries = server.get(&format!("{path}/deliveries")).await.json();
    assert_eq!(deliveries["deliveries"], json!([]));
    let again = server.post(&format!("{path}/redeliver"), "").await;
    assert_eq!(again.json()["redelivered"], 0, "{}", again.text);
    let removal = request("DELETE", &path).body(Body::empty());
    let removed = server.send(removal.expect("a request")).await.json();
    assert_eq!(removed["id"], id.as_str());
    for rest in ["", "/deliveries"] {
        assert_eq!(server.get(&format!("{path}{rest}")).await.status, 404);
    }
}

#[tokio::test]
async fn what_is_no_webhook_is_refused_by_its_field() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    for (field, more) in [
        ("url", json!({ "url": "" })),
        ("url", json!({ "url": "http://example.org/" })),
        ("url", json!({ "url": "https://127.0.0.1/" })),
        ("url", json!({ "url": "https://me:password@example.org/" })),
        ("events", json!({ "events": [] })),
        ("events[1]", json!({ "events": ["died", "exec"] })),
        ("name_prefix", json!({ "name_prefix": "-x" })),
        ("labels", json!({ "labels": ["=x"] })),
        ("labels", json!({ "labels": ["io.podlane.made-by"] })),
        ("labels", json!({ "labels": vec!["x"; 17] })),
        ("labels", json!({ "labels": ["x=\n"] })),
        ("secret", json!({ "secret": "whsec_c2hvcnQ=" })),
        ("method", json!({ "method": "GET" })),
    ] {
        let body = server
            .refuses(post("/api/v1/webhooks", wanted(&more)), 400, Some(field))
            .await;
        assert!(!body.to_string().contains("password@"), "{body}");
        if field == "events[1]" {
            let message = body["error"]["message"].as_str().expect("a message");
            assert!(message.starts_with("\"exec\" is no event"), "{body}");
        }
    }
    let made = server
        .post("/api/v1/webhooks", wanted(&json!({})))
        .await
        .json();
    let id = made["webhook"]["id"].as_str().expect("an ID");
    for (query, field) in [
        ("state=lost", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("before=x", "before"),
        ("x=1", "x"),
    ] {
        let path = format!("/api/v1/webhooks/{id}/deliveries?{query}");
        server.refuses(get(&path), 400, Some(field)).await;
    }
    for (field, body) in [
        ("url", json!({ "url": "x" })),
        ("events", json!({ "events": [] })),
    ] {
        server.refuses(change(id, &body), 400, Some(field)).await;
    }
    for path in ["/api/v1/webhooks/x", "/api/v1/webhooks/ffffffffffff"] {
        assert_eq!(server.get(path).await.status, 404);
    }
}

#[tokio::test]
async fn without_a_place_none_is_made() {
    let server = Server::new();
    let made = server.post("/api/v1/webhooks", wanted(&json!({}))).await;
    assert_eq!(made.status, 503, "{}", made.text);
    let listed = server.get("/api/v1/webhooks").await;
    assert_eq!(listed.json()["webhooks"], json!([]));
}

#[tokio::test]
async fn a_webhook_whose_secret_is_lost_says_so_and_takes_a_new_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let made = Server::keeping(directory.path())
        .post("/api/v1/webhooks", wanted(&json!({ "secret": secret })))
        .await
        .json();
    let id = made["webhook"]["id"].as_str().expect("an ID");
    let path = format!("/api/v1/webhooks/{id}");
    // Another key of the same form.
    let key = directory.path().join("secret.key");
    std::fs::write(&key, [7; 32]).expect("written");
    let server = Server::keeping(directory.path());
    let shown = server.get(&path).await.json();
    assert_eq!(shown["webhook"]["enabled"], false);
    let why = shown["webhook"]["disabled"].as_str().expect("a reason");
    assert!(why.contains("new secret"), "{why}");
    let body = json!({ "url": "https://elsewhere.example.org/" });
    server.refuses(change(id, &body), 400, Some("secret")).await;
    let changed = server.send(change(id, &json!({ "secret": secret }))).await;
    assert_eq!(
        changed.json()["webhook"]["enabled"],
        true,
        "{}",
        changed.text
    );
    assert_eq!(changed.json()["webhook"]["disabled"], Value::Null);
    let listed = server.get("/api/v1/webhooks").await.json();
    assert_eq!(listed["webhooks"][0]["enabled"], true);
    let removal = request("DELETE", &path).body(Body::empty());
    let removed = server.send(removal.expect("a request")).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
}
