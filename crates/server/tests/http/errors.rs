//! What the engine can't do, as the caller reads it.

use crate::client::{Server, get, post, request};
use crate::engine::Mood;
use axum::body::Body;
use podlane_engine::{Error, Resource};
use std::time::Duration;

fn not_found(resource: Resource) -> Error {
    Error::NotFound {
        resource,
        name: "web".into(),
    }
}

type Case = (fn() -> Error, u16, &'static str, Option<&'static str>);

#[rustfmt::skip]
const CASES: &[Case] = &[
    (|| not_found(Resource::Container), 404, "PodmanAPIError", None),
    (|| not_found(Resource::Image), 404, "PodmanAPIError", None),
    (|| not_found(Resource::Path), 404, "PodmanAPIError", None),
    (|| Error::NameInUse { resource: Resource::Container, name: "web".into() }, 409, "PodmanAPIError", Some("name")),
    (|| Error::WrongState { message: "it is paused".into() }, 409, "PodmanAPIError", None),
    (|| Error::ReadOnly { message: "read-only".into() }, 409, "PodmanAPIError", None),
    (|| invalid("user", false), 400, "ValidationError", Some("user")),
    (|| invalid("ports", true), 409, "PodmanAPIError", Some("ports")),
    (|| Error::NoSpace { message: "on the host".into() }, 507, "PodmanAPIError", None),
    (|| Error::Timeout { step: "starting".into(), limit: Duration::from_secs(2) }, 408, "PodmanAPIError", None),
    (|| Error::Unavailable { step: "asking".into(), reason: "secret socket".into() }, 503, "PodmanAPIError", None),
    (|| Error::Garbled { step: "asking".into(), reason: "secret html".into() }, 502, "PodmanAPIError", None),
    (|| Error::Failed { step: "starting".into(), message: "crun says no".into() }, 500, "PodmanAPIError", None),
];

fn invalid(field: &'static str, conflict: bool) -> Error {
    Error::Invalid {
        field,
        message: "it can't be".into(),
        conflict,
    }
}

#[tokio::test]
async fn every_error_of_the_engine_has_its_status() {
    for &(error, status, kind, field) in CASES {
        let server = Server::in_mood(Mood::Fails(error));
        let reply = server.post("/api/v1/containers/web/start", "").await;
        let body = reply.json();
        let shown = format!("{:?}: {body}", error());
        assert_eq!(reply.status, status, "{shown}");
        assert_eq!(body["error"]["code"], status, "{shown}");
        assert_eq!(body["error"]["type"], kind, "{shown}");
        assert_eq!(body["error"]["field"].as_str(), field, "{shown}");
        assert!(!reply.text.contains("secret"), "{shown}");
        assert_eq!(
            !reply.header("retry-after").is_empty(),
            status == 503,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_missing_image_comes_with_its_cure() {
    let server = Server::in_mood(Mood::Fails(|| not_found(Resource::Image)));
    let reply = server
        .post("/api/v1/containers", r#"{"image":"web","name":"x"}"#)
        .await;
    assert_eq!(reply.status, 404);
    let hint = reply.json()["error"]["hint"]
        .as_str()
        .expect("a hint")
        .to_owned();
    assert!(
        hint.contains("podman pull web") && hint.contains("\"pull\": \"missing\""),
        "{hint}"
    );
}

#[tokio::test]
async fn a_panic_is_an_answer_and_says_nothing() {
    let server = Server::in_mood(Mood::Panics);
    for request in [
        get("/api/v1/containers"),
        post("/api/v1/containers/web/start", ""),
    ] {
        let reply = server.send(request).await;
        assert_eq!(reply.status, 500);
        assert_eq!(reply.json()["error"]["type"], "InternalError");
        assert!(!reply.text.contains("secret"), "{}", reply.text);
    }
    server.engine.set(Mood::Fine);
    assert_eq!(server.get("/api/v1/containers").await.status, 200);
}

#[tokio::test]
async fn past_the_queue_the_answer_is_busy() {
    let server = Server::in_mood(Mood::Slow(Duration::from_secs(1)));
    let (first, second) = tokio::join!(server.get("/api/v1/containers/web"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let busy = server.get("/api/v1/metrics").await.json();
        assert_eq!(
            (&busy["active_threads"], &busy["max_workers"]),
            (&1.into(), &1.into())
        );
        server.get("/api/v1/containers/web").await
    });
    assert_eq!(first.status, 200);
    assert_eq!(second.status, 503);
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(second.json()["error"]["type"], "InternalError");
}

#[tokio::test]
async fn rfc_9457_is_for_who_asks_for_it() {
    let server = Server::new();
    for path in [
        "/nowhere",
        "/api/v1/containers/a%20b",
        "/api/v1/containers?x=1",
    ] {
        let request = request("GET", path).header("Accept", "application/problem+json");
        let reply = server
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let body = reply.json();
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["status"], reply.status.as_u16());
        assert!(body["title"].is_string() && body["detail"].is_string());
    }
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let server = Server::new();
    let with = |id: &str| {
        request("GET", "/api/v1/containers")
            .header("X-Request-ID", id)
            .body(Body::empty())
            .expect("a request")
    };
    for id in ["abc", "A-1_b.c", &"x".repeat(64)] {
        assert_eq!(server.send(with(id)).await.header("x-request-id"), id);
    }
    for id in ["", "a b", "a/b", "\"", "a,b", &"x".repeat(65)] {
        let made = server.send(with(id)).await;
        let made = made.header("x-request-id");
        assert!(
            made.len() == 32 && made.bytes().all(|b| b.is_ascii_hexdigit()),
            "{made}"
        );
    }
    let (a, b) = (server.get("/livez").await, server.get("/livez").await);
    assert_ne!(a.header("x-request-id"), b.header("x-request-id"));
}
