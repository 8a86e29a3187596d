//! Answers that are streams: kept as they pass, and given again as a whole.

use super::{is_replayed, keyed, options};
use crate::container::Container;
use crate::reading::Reading;
use crate::server_with;
use http::Method;
use podlane_testkit::{Answer, BUSYBOX, Server};
use serde_json::json;
use std::time::Duration;

const LINES: &str = "application/x-ndjson";
const FRAMES: &str = "application/vnd.docker.multiplexed-stream";

/// Asks until the first request with this key is not under way any more.
async fn run(server: &Server, container: &Container, key: &str, command: &str) -> Answer {
    let api = keyed(server, key).with("accept", LINES);
    let body = json!({ "command": command });
    loop {
        let answer = api.post(&container.path("exec"), body.clone()).await;
        if !answer.headers.contains_key("retry-after") {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same, read as it comes.
async fn read(
    server: &Server,
    container: &Container,
    headers: &[(&str, &str)],
    command: &str,
) -> Reading {
    let json = ("content-type", "application/json");
    let headers = [&[json], headers].concat();
    let body = json!({ "command": command }).to_string().into();
    let path = container.path("exec");
    let reading = Reading::ask(server, Method::POST, &path, &headers, body).await;
    reading.expect(200)
}

#[tokio::test]
async fn a_command_runs_once_and_its_output_is_told_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    let server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let count = "echo x >>/count; wc -l </count; echo wrong >&2; exit 3";
    let first = run(&server, &container, "lines", count).await.expect(200);
    assert!(first.text.contains("\"exit_code\":3"), "{}", first.text);
    let frames = [
        ("idempotency-key", "frames"),
        ("accept", FRAMES),
        ("te", "trailers"),
    ];
    let mut before = read(&server, &container, &frames, count).await;
    let bytes = before.rest().await;
    server.kill();
    let server = server_with(&options);
    let again = run(&server, &container, "lines", count).await.expect(200);
    assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    for name in ["content-type", "x-exec-path"] {
        assert_eq!(again.headers[name], first.headers[name]);
    }
    let mut later = read(&server, &container, &frames, count).await;
    assert_eq!(later.header("idempotent-replayed"), "true");
    assert_eq!(later.rest().await, bytes);
    assert_eq!(later.trailers, before.trailers);
    assert_eq!(later.trailers["x-exit-code"], "3");
    let other = run(&server, &container, "lines", "true").await;
    other.refused(422, "Idempotency-Key");
    let counted = server.client().exec(&container.name, "cat /count").await;
    assert_eq!(counted["stdout"], "x\nx\n");
}

#[tokio::test]
async fn what_was_cut_or_is_too_large_is_not_run_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    let server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let endless = "echo x >>/count; echo begun; exec sleep 1000";
    let begun = async |server: &Server, key: &str| {
        let headers = [("idempotency-key", key), ("accept", LINES)];
        let mut reading = read(server, &container, &headers, endless).await;
        let _start = reading.line().await;
        assert_eq!(reading.line().await.expect("output")["data"], "begun\n");
        reading
    };
    let reading = begun(&server, "gone").await;
    // While it goes on its repetition does not wait for its end.
    let api = keyed(&server, "gone").with("accept", LINES);
    let body = json!({ "command": endless });
    let meanwhile = api.post(&container.path("exec"), body).await;
    assert_eq!(meanwhile.headers["retry-after"], "1");
    meanwhile.refused(409, "Idempotency-Key");
    drop(reading);
    let refused = run(&server, &container, "gone", endless).await;
    assert!(refused.message().contains("status 200"), "{}", refused.text);
    refused.refused(409, "Idempotency-Key");

    let much = "echo x >>/count; head -c 1100000 /dev/zero | tr '\\0' x";
    let first = run(&server, &container, "much", much).await.expect(200);
    assert!(first.text.len() > 1 << 20);
    let again = run(&server, &container, "much", much).await;
    again.refused(409, "Idempotency-Key");

    let _reading = begun(&server, "killed").await;
    server.kill();
    let server = server_with(&options);
    let refused = run(&server, &container, "killed", endless).await;
    assert!(refused.message().contains("not known"), "{}", refused.text);
    refused.refused(409, "Idempotency-Key");
    let counted = server.client().exec(&container.name, "cat /count").await;
    assert_eq!(counted["stdout"], "x\nx\nx\n");
}

#[tokio::test]
async fn a_stream_that_a_stopping_server_has_ended_is_told_again_with_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path()).env("PODLANE_SHUTDOWN_GRACE", "0.2");
    let mut server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let endless = "echo begun; exec sleep 1000";
    let headers = [("idempotency-key", "stopped"), ("accept", LINES)];
    let mut reading = read(&server, &container, &headers, endless).await;
    let stopping = tokio::task::spawn_blocking(move || server.terminate());
    let lines = reading.lines().await;
    assert_eq!(lines.last().expect("an end")["event"], "error", "{lines:?}");
    assert_eq!(stopping.await.expect("no panic"), Some(0));
    let server = server_with(&options);
    let again = run(&server, &container, "stopped", endless).await;
    let again = again.expect(200);
    assert!(is_replayed(&again));
    let events = again.text.lines().map(serde_json::from_str);
    let events: Vec<serde_json::Value> = events.collect::<Result<_, _>>().expect("JSON");
    assert_eq!(events, lines);
    let left = server
        .client()
        .exec(&container.name, "pidof sleep | wc -w")
        .await;
    assert_eq!(left["stdout"], "1\n");
}
