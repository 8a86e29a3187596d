//! Health, probes and numbers.

use crate::client::{Server, request};
use crate::engine::Mood;
use axum::body::Body;
use podlane_engine::Error;
use std::time::Duration;

fn down() -> Error {
    Error::Unavailable {
        step: "asking".into(),
        reason: "no socket".into(),
    }
}

#[tokio::test]
async fn health_says_whether_podman_answers() {
    let server = Server::new();
    let body = server.get("/api/v1/health").await.json();
    assert_eq!(
        (&body["status"], &body["podman"]),
        (&"healthy".into(), &"connected".into())
    );
    assert_eq!(body["timestamp"].as_str().map(str::len), Some(26));
    let checks = body["checks"].as_array().expect("checks");
    let disk = checks.iter().find(|check| check["name"] == "engine_disk");
    // Little room is told, and is no illness.
    assert_eq!(disk.expect("the disk")["ok"], false, "{body}");

    let errors: [fn() -> Error; 2] = [down, || Error::Timeout {
        step: "asking".into(),
        limit: Duration::from_secs(1),
    }];
    for error in errors {
        server.engine.set(Mood::Fails(error));
        let reply = server.get("/api/v1/health").await;
        assert_eq!(reply.status, 503);
        let body = reply.json();
        assert_eq!(
            (&body["status"], &body["podman"]),
            (&"unhealthy".into(), &"disconnected".into())
        );
        assert_eq!(
            (&body["success"], &body["error"]["code"]),
            (&false.into(), &503.into())
        );
        assert_eq!(body["error"]["type"], "PodmanAPIError");
        let reason = "the Podman service that Podlane runs has ended and is started again";
        assert_eq!(body["reason"], reason);
        assert!(reply.text.contains("/secret/place"), "{}", reply.text);
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status, 503);
        assert_eq!(ready.json()["reason"], reason);
        assert!(!ready.text.contains("/secret/place"), "{}", ready.text);
        assert_eq!(server.get("/livez").await.json()["status"], "alive");
        assert_eq!(server.get("/api/v1/metrics").await.status, 200);
        assert_eq!(server.get("/metrics").await.status, 200);
    }
    server.engine.set(Mood::Fine);
    assert_eq!(server.get("/readyz").await.json()["status"], "ready");
}

#[tokio::test]
async fn metrics_count_by_template() {
    let server = Server::new();
    server.get("/api/v1/containers/one").await;
    server.get("/api/v1/containers/two").await;
    server.get("/nowhere/one").await;
    server.get("/nowhere/two").await;
    let text = server.get("/metrics").await.text;
    for line in [
        r#"podlane_http_requests_total{method="GET",route="/api/v1/containers/{name}",status="200"} 2"#,
        r#"podlane_http_requests_total{method="GET",route="(unknown)",status="404"} 2"#,
        "podlane_http_requests_in_flight 1",
        "podlane_workers 1",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert!(!text.contains("/nowhere") && !text.contains("/containers/one"));
    let body = server.get("/api/v1/metrics").await.json();
    assert_eq!(body["uptime_human"], "0:00:00");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = Server::new();
    for path in ["/api/v1/containers", "/api/v1/health", "/livez", "/nowhere"] {
        let reply = server
            .send(
                request("HEAD", path)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await;
        assert_eq!(reply.status, if path == "/nowhere" { 404 } else { 200 });
        assert_eq!(reply.text, "");
    }
}

#[tokio::test]
async fn what_can_not_be_done_is_said_before_and_after() {
    let server = Server::new();
    let body = server.get("/api/v1/capabilities").await.json();
    let row = &body["capabilities"][0];
    assert_eq!(
        (&row["supported"], &row["since"]),
        (&false.into(), &"5.8".into())
    );
    let body = server.get("/api/v1/version").await.json();
    assert_eq!(
        (&body["api"], &body["engine"]["rootless"]),
        (&"v1".into(), &true.into())
    );
    server.engine.set(Mood::Fails(|| Error::Unsupported {
        what: "what containers use",
        reason: "this host has control groups v1".into(),
    }));
    let reply = server.get("/api/v1/stats").await;
    assert_eq!(reply.status, 501);
    let error = &reply.json()["error"];
    assert_eq!(
        error["message"],
        "what containers use can't be had here: this host has control groups v1"
    );
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("/api/v1/capabilities"))
    );
}
