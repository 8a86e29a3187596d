//! Logs as streams: followed, begun from the end, gone on with.

use crate::container::{Container, until};
use crate::reading::{Reading, ordered, text};
use crate::server;
use http::Method;
use podlane_testkit::{BUSYBOX, Server, podman};
use serde_json::{Value, json};
use std::time::Duration;

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

async fn running(server: &Server, script: &str) -> Container {
    let body = json!({ "image": BUSYBOX, "command": ["sh", "-c", script], "init": false });
    Container::with(&server.client(), body).await
}

async fn lines(
    server: &Server,
    container: &Container,
    query: &str,
    after: Option<&str>,
) -> Vec<Value> {
    let mut headers = vec![("accept", LINES)];
    headers.extend(after.map(|id| ("last-event-id", id)));
    let path = container.path(&format!("logs{query}"));
    let reading = Reading::ask(server, Method::GET, &path, &headers, bytes::Bytes::new()).await;
    reading.expect(200).lines().await
}

#[tokio::test]
async fn what_is_written_comes_until_the_end() {
    let server = server();
    let go = "while [ ! -e /go ]; do sleep 0.05; done";
    let script =
        format!("echo before; {go}; printf 'so f'; sleep 0.2; echo 'ür' >&2; echo ar; exit 3");
    let container = running(&server, &script).await;
    let path = container.path("logs?follow=true");
    let mut reading = Reading::get(&server, &path, EVENTS).await.expect(200);
    assert_eq!(reading.header("content-type"), EVENTS);
    let (id, name, data) = reading.named_event().await.expect("an event");
    let short = container.inspect("{{.Id}}")[..12].to_owned();
    assert_eq!(
        (id, name.as_str(), &data["data"]),
        (format!("{short}.7"), "stdout", &json!("before\n"))
    );
    let touched = podman(&["exec", &container.name, "touch", "/go"]);
    assert!(touched.status.success(), "{touched:?}");
    let mut told = Vec::new();
    while let Some((id, name, data)) = reading.named_event().await {
        told.push((id, name, data));
    }
    let of = |wanted: &str| -> String {
        let named = told.iter().filter(|(_, name, _)| name == wanted);
        named
            .map(|(_, _, data)| data["data"].as_str().expect("data"))
            .collect()
    };
    assert_eq!(
        (of("stdout"), of("stderr")),
        ("so far\n".into(), "ür\n".into()),
        "{told:?}"
    );
    let (id, name, data) = told.last().expect("an end");
    let place = format!("{short}.18");
    assert_eq!((id, name.as_str()), (&place, "end"), "{told:?}");
    assert_eq!(*data, json!({ "status": "exited", "exit_code": 3 }));
}

#[tokio::test]
async fn reading_goes_on_behind_an_event() {
    let server = server();
    let script = "i=0; while [ $i -lt 40 ]; do echo line $i ö; [ $((i % 3)) = 0 ] && echo bad $i >&2; i=$((i+1)); done; exec sleep 1000";
    let container = running(&server, script).await;
    let full = || {
        podman(&["logs", &container.name])
            .stdout
            .ends_with("line 39 ö\n".as_bytes())
    };
    until("all is written", full).await;
    for query in ["?tail=all", "?tail=all&stream=stderr", "?tail=all&grep=3"] {
        let whole = lines(&server, &container, query, None).await;
        // The end is where the last of it was.
        ordered(&whole[..whole.len() - 1]);
        let end = whole.last().expect("an end");
        assert_eq!(
            (&end["event"], &end["status"]),
            (&json!("end"), &json!("running"))
        );
        for at in [0, 3, whole.len() / 2, whole.len() - 2] {
            let id = whole[at]["id"].as_str().expect("an ID");
            let rest = lines(&server, &container, query, Some(id)).await;
            for name in ["stdout", "stderr"] {
                assert_eq!(
                    text(&rest, name),
                    text(&whole[at + 1..], name),
                    "{query} {at}"
                );
            }
        }
    }
    let some = lines(&server, &container, "?tail=2&stream=stdout", None).await;
    assert_eq!(text(&some, "stdout"), "line 38 ö\nline 39 ö\n");
    let some = lines(&server, &container, "?tail=1&grep=e%201", None).await;
    assert_eq!(text(&some, "stdout"), "line 19 ö\n");
    let none = lines(&server, &container, "?tail=0", None).await;
    assert_eq!(none.len(), 1, "{none:?}");
}

/// The name may have been given to another container meanwhile.
#[tokio::test]
async fn a_log_is_gone_on_with_only_in_its_own_container() {
    let server = server();
    let script = |word: &str| format!("seq 1 50 | sed 's/^/{word} /'; exec sleep 1000");
    let container = running(&server, &script("first")).await;
    let path = container.path("logs?tail=all&follow=true");
    let mut reading = Reading::get(&server, &path, LINES).await.expect(200);
    let mut id = Value::Null;
    let mut told = String::new();
    while !told.ends_with("first 50\n") {
        let event = reading.line().await.expect("an event");
        told.push_str(event["data"].as_str().expect("data"));
        id = event["id"].clone();
    }
    let id = id.as_str().expect("an ID");
    let body = json!({ "image": BUSYBOX, "name": container.name, "command": ["sh", "-c", script("second")], "init": false, "replace": true });
    let _made = server.client().post("/containers", body).await.expect(200);
    let end = reading.lines().await;
    assert_eq!(end.last().expect("an end")["event"], "end", "{end:?}");
    let full = || {
        podman(&["logs", &container.name])
            .stdout
            .ends_with(b"second 50\n")
    };
    until("all is written", full).await;
    // Of the new one nothing is known, whatever `tail` says.
    for query in ["", "?tail=1", "?tail=0"] {
        let told = lines(&server, &container, query, Some(id)).await;
        let text = text(&told, "stdout");
        assert_eq!(text.lines().count(), 50, "{query}: {text}");
        assert!(text.starts_with("second 1\n"), "{query}: {text}");
        assert_ne!(told[0]["id"].as_str().map(|id| &id[..12]), Some(&id[..12]));
    }
}

#[tokio::test]
async fn a_follower_that_leaves_or_outlives_is_no_trouble() {
    let server = server();
    let api = server.client();
    let container = running(&server, "while :; do echo tick; sleep 0.05; done").await;
    let path = container.path("logs?follow=true&tail=0");
    for _ in 0..5 {
        let mut reading = Reading::get(&server, &path, LINES).await.expect(200);
        assert_eq!(reading.line().await.expect("a line")["data"], "tick\n");
    }
    let mut reading = Reading::get(&server, &path, LINES).await.expect(200);
    assert_eq!(reading.line().await.expect("a line")["data"], "tick\n");
    let removed = format!("/containers/{}?force=true", container.name);
    let _ = api.delete(&removed).await.expect(200);
    let rest = reading.lines().await;
    let end = rest.last().expect("an end");
    assert_eq!(end["event"], "end", "{rest:?}");
    let metrics = api.get("/metrics").await.expect(200);
    assert_eq!(metrics.json["active_threads"], 0, "{}", metrics.text);
}

#[tokio::test]
async fn what_can_not_be_followed_is_said() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let logs = |query: &str| container.path(&format!("logs{query}"));
    api.get(&logs("?follow=true")).await.refused(400, "follow");
    api.get(&logs("?follow=true&until=1"))
        .await
        .refused(400, "follow");
    api.get(&logs("?follow=x")).await.refused(400, "follow");
    let path = logs("?follow=true");
    for wrong in ["x", "7", "8691f60be54f", "8691f60be54f.-1", "web.7", ""] {
        let wrong = [("accept", EVENTS), ("last-event-id", wrong)];
        let reading = Reading::ask(&server, Method::GET, &path, &wrong, bytes::Bytes::new()).await;
        let _ = reading.expect(400);
    }
    let nobody = "/containers/nobody/logs?follow=true";
    let _ = Reading::get(&server, nobody, EVENTS).await.expect(404);
    // A silent log is open all the same, at once.
    let mut silent = Reading::get(&server, &path, LINES).await.expect(200);
    let nothing = tokio::time::timeout(Duration::from_millis(300), silent.piece()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}
