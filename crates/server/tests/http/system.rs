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
        assert_eq!(server.get("/readyz").await.status, 503);
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
