//! What the server writes of a request into its log, and what not.

use crate::client::{Server, post, request};
use crate::engine::Mood;
use axum::body::Body;
use podlane_engine::Error;
use serde_json::Value;
use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    /// What this thread has written; each test has a thread of its own.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of this thread, from now on.
struct Log;

impl Log {
    fn begin() -> Self {
        static ONCE: Once = Once::new();
        // One subscriber for the whole process: those of single threads miss events while others come and go.
        ONCE.call_once(|| {
            tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_max_level(tracing::Level::TRACE)
                .with_writer(|| ThisThread)
                .init();
        });
        WRITTEN.with_borrow_mut(Vec::clear);
        Self
    }

    #[allow(
        clippy::unused_self,
        reason = "there is nothing to read before it began"
    )]
    fn text(&self) -> String {
        WRITTEN.with_borrow(|written| String::from_utf8_lossy(written).into_owned())
    }

    fn requests(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        lines
            .filter(|line: &Value| line["target"] == "podlane::request")
            .collect()
    }
}

#[tokio::test]
async fn one_line_an_operation() {
    let log = Log::begin();
    let server = Server::new();
    let id = request("GET", "/api/v1/containers/web/logs?tail=5").header("X-Request-ID", "my-id");
    server
        .send(id.body(Body::empty()).expect("a request"))
        .await;
    server
        .post("/api/v1/containers", r#"{"image":"a","name":"fresh"}"#)
        .await;
    server.get("/api/v1/containers/not%20a%20name").await;
    server.engine.set(Mood::Fails(|| Error::Unavailable {
        step: "listing".into(),
        reason: "no such socket".into(),
    }));
    server.get("/api/v1/containers").await;

    let lines = log.requests();
    assert_eq!(lines.len(), 4, "{}", log.text());
    let first = &lines[0];
    assert_eq!(first["request_id"], "my-id");
    assert_eq!(first["method"], "GET");
    assert_eq!(first["route"], "/api/v1/containers/{name}/logs");
    assert_eq!(first["container"], "web");
    assert_eq!(
        (&first["status"], &first["outcome"]),
        (&200.into(), &"ok".into())
    );
    assert!(first["duration_ms"].is_u64() && first["level"] == "INFO");
    assert_eq!(lines[1]["container"], "fresh");
    assert_eq!(
        (&lines[2]["status"], &lines[2]["container"]),
        (&400.into(), &Value::Null)
    );
    let down = &lines[3];
    assert_eq!(
        (&down["level"], &down["outcome"]),
        (&"WARN".into(), &"PodmanAPIError".into())
    );
    assert!(
        down["error"]
            .as_str()
            .expect("a cause")
            .contains("no such socket")
    );
}

#[tokio::test]
async fn nothing_of_what_a_request_holds() {
    let log = Log::begin();
    let server = Server::new();
    for (path, body) in [
        (
            "/api/v1/containers",
            r#"{"image":"a","name":"x","environment":{"A":"hunter2"}}"#,
        ),
        ("/api/v1/containers", r#"{"image":"hunter2 ","name":"x"}"#),
        ("/api/v1/containers", r#"{"image":"a","name":"hunter2!"}"#),
        (
            "/api/v1/containers",
            r#"{"image":"a","name":"x","ports":{"hunter2":1}}"#,
        ),
        (
            "/api/v1/containers/web/users",
            r#"{"username":"u","password":"hunter2"}"#,
        ),
        (
            "/api/v1/containers/web/users",
            r#"{"username":"hunter2!","password":"hunter2"}"#,
        ),
        (
            "/api/v1/containers/web/users",
            r#"{"username":"u","password":"hunter2\n"}"#,
        ),
        (
            "/api/v1/containers/web/users",
            r#"{"username":"u","password":["hunter2"]}"#,
        ),
        (
            "/api/v1/containers/web/files",
            r#"{"dest_path":"/a","content":"hunter2"}"#,
        ),
        (
            "/api/v1/containers/web/exec",
            r#"{"command":"echo hunter2","stdin":"hunter2"}"#,
        ),
        ("/api/v1/containers/web/stop?timeout=hunter2", ""),
        ("/api/v1/containers/hunter2%20/stop", ""),
        ("/hunter2", ""),
        ("/api/v1/containers", r#"{"hunter2":1}"#),
        ("/api/v1/containers/web/start?hunter2=1", ""),
        (
            "/api/v1/containers",
            r#"{"image":"a","name":"x","volumes":{"hunter2":5}}"#,
        ),
    ] {
        let mut request = post(path, body);
        let headers = request.headers_mut();
        headers.insert("Authorization", "Bearer hunter2".parse().expect("a value"));
        headers.insert("X-Request-ID", "hunter2 ".parse().expect("a value"));
        server.send(request).await;
    }
    assert_eq!(log.requests().len(), 16, "{}", log.text());
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}

#[tokio::test]
async fn who_went_away_is_written_too() {
    let log = Log::begin();
    let server = Server::in_mood(Mood::Slow(std::time::Duration::from_secs(60)));
    let asked = server.get("/api/v1/containers");
    let gone = tokio::time::timeout(std::time::Duration::from_millis(50), asked).await;
    assert!(gone.is_err());
    assert_eq!(log.requests()[0]["outcome"], "abandoned");
    let text = server.get("/metrics").await.text;
    assert!(text.contains(r#"status="499"} 1"#), "{text}");
}
