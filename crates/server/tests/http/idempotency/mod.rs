//! Requests with an `Idempotency-Key`: done once, and refused where that can't be promised.

mod bodies;
mod secrets;

use crate::access;
use crate::client::{Reply, Server, get, post, request};
use crate::engine::Mood;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use podlane_engine::Error;
use podlane_service::{Role, Scope};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const VOLUMES: &str = "/api/v1/volumes";

fn keyed(path: &str, key: &str, body: &Value) -> Request<Body> {
    let mut request = post(path, body.to_string());
    let key = HeaderValue::from_bytes(key.as_bytes()).expect("a header's value");
    request.headers_mut().insert("idempotency-key", key);
    request
}

fn with(mut request: Request<Body>, name: &'static str, value: &'static str) -> Request<Body> {
    let value = HeaderValue::from_static(value);
    request.headers_mut().append(name, value);
    request
}

/// Makes a token; the value of the header that shows it.
fn token(directory: &Path, role: Option<Role>, scopes: &[Scope]) -> String {
    format!("Bearer {}", access::token(directory, role, scopes))
}

fn shown(mut request: Request<Body>, token: &str) -> Request<Body> {
    let token = token.parse().expect("a header's value");
    request.headers_mut().insert("authorization", token);
    request
}

fn volume() -> Value {
    json!({ "name": "data" })
}

async fn make(server: &Server, key: &str) -> Reply {
    server.send(keyed(VOLUMES, key, &volume())).await
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

#[tokio::test]
async fn a_repetition_has_the_first_ones_answer_after_a_restart_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let first = make(&server, "once").await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (200, false));
    let asked = server.engine.calls();
    let again = make(&server, "once").await;
    assert!(is_replayed(&again));
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(server.engine.calls(), asked);

    let other = keyed(VOLUMES, "once", &json!({ "name": "other" }));
    server.refuses(other, 422, Some("Idempotency-Key")).await;
    let other = with(keyed(VOLUMES, "once", &volume()), "accept", "text/plain");
    server.refuses(other, 422, Some("Idempotency-Key")).await;

    // Another caller, operation, query or key has nothing to do with it.
    let tenant = with(keyed(VOLUMES, "once", &volume()), "x-tenant", "class-7");
    let network = keyed("/api/v1/networks", "once", &volume());
    let container = keyed("/api/v1/containers/web/stop?timeout=1", "once", &json!({}));
    let another = keyed("/api/v1/containers/web/stop?timeout=2", "once", &json!({}));
    for independent in [tenant, network, container, another] {
        let reply = server.send(independent).await;
        assert_ne!(reply.status, 422, "{}", reply.text);
        assert!(!is_replayed(&reply));
    }
    drop(server);
    let server = Server::keeping(directory.path());
    let again = make(&server, "once").await;
    assert!(is_replayed(&again));
    assert_eq!((&again.text, server.engine.calls()), (&first.text, 0));
}

#[tokio::test]
async fn hostile_keys_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let long = "x".repeat(256);
    for key in ["", " ", "a b", "a\tb", "ä", "\u{feff}", &long] {
        let bad = keyed(VOLUMES, key, &volume());
        server.refuses(bad, 400, Some("Idempotency-Key")).await;
    }
    let twice = with(keyed(VOLUMES, "a", &volume()), "idempotency-key", "a");
    server.refuses(twice, 400, Some("Idempotency-Key")).await;
    let large = keyed(VOLUMES, "a", &json!({ "name": "x".repeat(3000) }));
    server.refuses(large, 413, None).await;
    // Those that leave nothing behind, and what could be SQL or a path.
    for key in [
        "'; DROP TABLE answer; --",
        "../../etc/passwd",
        "%00",
        "\"q\"",
    ] {
        let key = key.replace(' ', "_");
        assert_eq!(make(&server, &key).await.status, 200, "{key}");
        assert!(is_replayed(&make(&server, &key).await), "{key}");
    }
}

#[tokio::test]
async fn who_only_reads_or_removes_needs_no_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    for _ in 0..2 {
        let reply = server
            .send(with(get(VOLUMES), "idempotency-key", "a b"))
            .await;
        assert_eq!((reply.status.as_u16(), is_replayed(&reply)), (200, false));
        let gone = request("DELETE", "/api/v1/volumes/data").header("idempotency-key", "a");
        let gone = gone.body(Body::empty()).expect("a request");
        assert!(!is_replayed(&server.send(gone).await));
    }
    let nowhere = keyed("/api/v1/nowhere", "a", &json!({}));
    server.refuses(nowhere, 404, None).await;
}

#[tokio::test]
async fn what_was_not_done_can_be_tried_again_with_the_same_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let wrong = keyed(VOLUMES, "a", &json!({ "naem": "data" }));
    server.refuses(wrong, 400, Some("naem")).await;
    assert_eq!(make(&server, "a").await.status, 200);

    server.engine.set(Mood::Slow(Duration::from_millis(500)));
    let busy = async {
        // The only worker has something to do by then.
        tokio::time::sleep(Duration::from_millis(100)).await;
        make(&server, "b").await
    };
    let (_, refused) = tokio::join!(server.get(VOLUMES), busy);
    assert_eq!(refused.status, 503, "{}", refused.text);
    server.engine.set(Mood::Fine);
    let done = make(&server, "b").await;
    assert_eq!((done.status.as_u16(), is_replayed(&done)), (200, false));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    server.engine.set(Mood::Fails(|| Error::Unavailable {
        step: "x".into(),
        reason: "/secret/socket".into(),
    }));
    let first = make(&server, "a").await;
    assert_eq!(first.status, 503);
    server.engine.set(Mood::Fine);
    let asked = server.engine.calls();
    let again = make(&server, "a").await;
    assert_eq!((again.status, is_replayed(&again)), (first.status, true));
    assert_eq!(again.json()["error"], first.json()["error"]);
    assert!(!again.headers.contains_key("retry-after"));
    assert_eq!(server.engine.calls(), asked);
    assert_eq!(make(&server, "b").await.status, 200);
    // A panic says nothing of what was done before it.
    server.engine.set(Mood::Panics);
    assert_eq!(make(&server, "c").await.status, 500);
    server.engine.set(Mood::Fine);
    let again = make(&server, "c").await;
    assert_eq!((again.status.as_u16(), is_replayed(&again)), (500, true));
}

#[tokio::test]
async fn one_of_many_at_once_is_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Arc::new(Server::keeping(directory.path()));
    server.engine.set(Mood::Slow(Duration::from_millis(300)));
    let first = {
        let server = Arc::clone(&server);
        tokio::spawn(async move { make(&server, "a").await })
    };
    while server.engine.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let meanwhile = make(&server, "a").await;
    assert_eq!(meanwhile.status, 409, "{}", meanwhile.text);
    assert_eq!(meanwhile.header("retry-after"), "1");
    assert_eq!(meanwhile.json()["error"]["field"], "Idempotency-Key");
    // Who asked goes away; what was begun is done, and its answer is kept.
    first.abort();
    let asked = server.engine.calls();
    loop {
        let again = make(&server, "a").await;
        if again.status == 200 {
            assert!(is_replayed(&again));
            break;
        }
        assert_eq!(again.status, 409, "{}", again.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.engine.calls(), asked);
}

#[tokio::test]
async fn a_stream_is_given_again_as_a_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let pull = |key| {
        let body = json!({ "image": "alpine" });
        let pull = keyed("/api/v1/pull", key, &body);
        with(pull, "accept", "text/event-stream")
    };
    let first = server.send(pull("whole")).await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (200, false));
    assert!(first.text.contains("event: done"), "{}", first.text);
    let asked = server.engine.calls();
    let again = server.send(pull("whole")).await;
    assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    assert_eq!(again.header("content-type"), "text/event-stream");
    assert_eq!(server.engine.calls(), asked);
    // A client that leaves before it has read anything.
    drop(server.open(pull("cut")).await);
    let refused = loop {
        let refused = server.send(pull("cut")).await;
        if refused.header("retry-after").is_empty() {
            break refused;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("status 200"), "{}", refused.text);
}

#[tokio::test]
async fn a_caller_has_so_many_keys_and_who_may_not_ask_has_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = Server::new();
    let refused = make(&nowhere, "a").await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("state_dir"), "{}", refused.text);

    let server = Server::keeping(directory.path());
    for key in 0..10 {
        assert_eq!(make(&server, &format!("key-{key}")).await.status, 200);
    }
    let full = make(&server, "one-more").await;
    assert_eq!(full.status, 503, "{}", full.text);
    assert!(full.text.contains("limits.idempotency_keys"));
    assert!(is_replayed(&make(&server, "key-0").await));

    let token = |scope| token(directory.path(), None, &[scope]);
    let (reads, writes) = (token(Scope::VolumesRead), token(Scope::VolumesWrite));
    let ask = async |token: &str, key: &str| {
        let request = shown(keyed(VOLUMES, key, &volume()), token);
        server.send(request).await
    };
    for key in 0..12 {
        assert_eq!(ask(&reads, &format!("key-{key}")).await.status, 403);
    }
    let own = ask(&writes, "key-0").await;
    assert_eq!((own.status.as_u16(), is_replayed(&own)), (200, false));
    assert!(is_replayed(&ask(&writes, "key-0").await));
}
