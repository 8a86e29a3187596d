//! Commands in the background: they outlive their caller, and their output waits for its reader.

mod keeping;

use crate::container::{Container, nap, running, until};
use crate::reading::{Reading, ordered, text};
use crate::{server, server_with};
use bytes::Bytes;
use http::Method;
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// Starts one; answers its path.
async fn detach(api: &Client, container: &Container, mut body: Value) -> String {
    body["detach"] = json!(true);
    let answer = api.post(&container.path("exec"), body).await.expect(201);
    let exec = &answer.json["exec"];
    let path = format!("/execs/{}", exec["id"].as_str().expect("an ID"));
    assert_eq!(
        answer.headers["location"],
        format!("/api/v1{path}").as_str()
    );
    assert_eq!(
        answer.headers["x-exec-path"],
        exec["path"].as_str().expect("a word")
    );
    path
}

async fn look(api: &Client, path: &str) -> Value {
    api.get(path).await.expect(200).json["exec"].take()
}

async fn wait(api: &Client, path: &str) -> Value {
    let answer = api.act(&format!("{path}/wait")).await.expect(200);
    answer.json["exec"].clone()
}

async fn feed(server: &Server, path: &str, bytes: &'static [u8]) -> Reading {
    Reading::ask(server, Method::POST, path, &[], Bytes::from_static(bytes)).await
}

#[tokio::test]
async fn one_that_runs_to_its_end() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = json!({
        "command": "echo $SECRET-word; cat; sleep 0.5; echo err >&2; exit 3",
        "environment": { "SECRET": "hush" }, "stdin": "murmur\n",
    });
    let path = detach(&api, &container, body).await;
    let exec = wait(&api, &path).await;
    assert_eq!(exec["state"], "exited");
    assert_eq!(exec["exit_code"], 3);
    assert!(
        container
            .inspect("{{.Id}}")
            .starts_with(exec["container"].as_str().expect("an ID"))
    );
    assert_eq!(
        exec["output"],
        json!({ "bytes": 21, "from": 0, "lost_bytes": 0 })
    );
    assert!(!exec.to_string().contains("hush") && !exec.to_string().contains("murmur"));
    let output = api.get(&format!("{path}/output")).await.expect(200).json["output"].take();
    assert_eq!(output["stdout"], "hush-word\nmurmur\n");
    assert_eq!(output["stderr"], "err\n");
    assert_eq!(
        (&output["next"], &output["more"]),
        (&json!(21), &json!(false))
    );
    let tail = api
        .get(&format!("{path}/output?from=17&encoding=base64"))
        .await
        .expect(200);
    assert_eq!(tail.json["output"]["output"], "ZXJyCg==");
    let listed = api
        .get(&format!("/execs?container={}&state=exited", container.name))
        .await
        .expect(200);
    assert_eq!(listed.json["execs"][0], exec);
    for other in ["state=running", "container=other"] {
        let listed = api.get(&format!("/execs?{other}")).await.expect(200);
        assert_eq!(listed.json["execs"], json!([]));
    }
    let log = server.log();
    assert!(!log.contains("hush") && !log.contains("murmur"), "{log}");
    let removed = api.delete(&path).await.expect(200);
    assert_eq!(removed.json["exec"]["killed"], false);
    let _gone = api.get(&path).await.expect(404);
    let _gone = api.delete(&path).await.expect(404);
}

/// Readers come and go, each going on where the last one was; no byte twice, none missing.
#[tokio::test]
async fn nothing_is_lost_or_doubled_between_readers() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let command = "i=0; while [ $i -lt 400 ]; do echo \"€ $i\"; echo \"x $i\" >&2; i=$((i+1)); \
                   [ $((i % 50)) = 0 ] && sleep 0.2; done; printf '\\342\\202'";
    let path = detach(&api, &container, json!({ "command": command })).await;
    let (mut events, mut last, mut readers) = (Vec::<Value>::new(), 0, 0);
    while events.last().is_none_or(|event| event["event"] != "end") {
        let mut reading = if readers % 2 == 0 {
            Reading::get(&server, &format!("{path}/output?from={last}"), LINES).await
        } else {
            let headers = [("accept", LINES), ("last-event-id", &*last.to_string())];
            Reading::ask(
                &server,
                Method::GET,
                &format!("{path}/output"),
                &headers,
                Bytes::new(),
            )
            .await
        }
        .expect(200);
        assert_eq!(reading.line().await.expect("start")["event"], "start");
        for _ in 0..=readers % 3 {
            let Some(event) = reading.line().await else {
                break;
            };
            last = event["id"].as_u64().expect("an ID");
            events.push(event);
        }
        readers += 1;
    }
    assert!(readers > 2, "{readers}");
    ordered(&events);
    let lines = |word: &str| {
        let lines: Vec<String> = (0..400).map(|i| format!("{word} {i}\n")).collect();
        lines.concat()
    };
    assert_eq!(text(&events, "stdout"), lines("€") + "\u{fffd}");
    assert_eq!(text(&events, "stderr"), lines("x"));
    // The same as server-sent events, and what is left after the end.
    let mut reading = Reading::get(&server, &format!("{path}/output?from={last}"), EVENTS).await;
    assert_eq!(reading.event().await.expect("start").1, "start");
    assert_eq!(reading.event().await.expect("end").1, "end");
}

#[tokio::test]
async fn it_outlives_its_caller_and_can_be_followed() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let body = json!({ "command": format!("echo on; sleep {nap}"), "detach": true });
    let started = Reading::post(&server, &container.path("exec"), "*/*", body)
        .await
        .expect(201);
    let path = started
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    drop(started);
    let mut reading = Reading::get(&server, &format!("{path}/output"), LINES)
        .await
        .expect(200);
    assert_eq!(reading.line().await.expect("start")["event"], "start");
    assert_eq!(reading.line().await.expect("output")["data"], "on\n");
    assert_eq!(running(&nap).len(), 1);
    // What is there now is there at once.
    let mut now = Reading::get(&server, &format!("{path}/output?follow=false"), LINES).await;
    assert_eq!(text(&now.lines().await, "stdout"), "on\n");
    let still = api.act(&format!("{path}/wait?timeout=1")).await.expect(200);
    assert_eq!(still.json["exec"]["state"], "running");
    let sent = api
        .post(&format!("{path}/signal"), json!({ "signal": "TERM" }))
        .await;
    let _sent = sent.expect(200);
    let end = reading.line().await.expect("the end");
    assert_eq!(
        (&end["event"], &end["exit_code"]),
        (&json!("end"), &json!(143))
    );
    let late = api
        .post(&format!("{path}/signal"), json!({ "signal": "TERM" }))
        .await
        .expect(409);
    assert_eq!(late.message(), "the command has ended");
}

#[tokio::test]
async fn standard_input_in_pieces() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = json!({ "command": "cat", "stdin_open": true });
    let path = detach(&api, &container, body).await;
    let stdin = format!("{path}/stdin");
    let mut reading = Reading::get(&server, &format!("{path}/output"), LINES)
        .await
        .expect(200);
    let _start = reading.line().await;
    for word in [&b"one\n"[..], b"two\n"] {
        let mut fed = feed(&server, &stdin, word).await.expect(200);
        let answer: Value = serde_json::from_slice(&fed.rest().await).expect("JSON");
        assert_eq!(answer["stdin"], json!({ "bytes": 4, "closed": false }));
        let echoed = reading.line().await.expect("output");
        assert_eq!(echoed["data"].as_str().map(str::as_bytes), Some(word));
    }
    let _closed = feed(&server, &format!("{stdin}?close=true"), b"")
        .await
        .expect(200);
    assert_eq!(reading.line().await.expect("the end")["exit_code"], 0);
    let _late = feed(&server, &stdin, b"x").await.expect(409);
    let path = detach(&api, &container, json!({ "command": "sleep 60" })).await;
    let _shut = feed(&server, &format!("{path}/stdin"), b"x")
        .await
        .expect(409);
    let _removed = api.delete(&path).await.expect(200);
}

#[tokio::test]
async fn what_is_not_read_is_answered_in_time() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "4"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = json!({ "command": ["sleep", "60"], "stdin_open": true });
    let path = detach(&api, &container, body).await;
    let much = Bytes::from(vec![b'x'; 16 << 20]);
    let began = Instant::now();
    let stdin = format!("{path}/stdin");
    let _slow = Reading::ask(&server, Method::POST, &stdin, &[], much)
        .await
        .expect(408);
    assert!(began.elapsed() < Duration::from_secs(30));
    let _removed = api.delete(&path).await.expect(200);
}

#[tokio::test]
async fn a_terminal_has_a_size_that_changes() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let size = json!({ "columns": 100, "rows": 30 });
    let body =
        json!({ "command": "stty size; read go; stty size", "terminal": size, "stdin_open": true });
    let path = detach(&api, &container, body).await;
    let output = format!("{path}/output");
    let shows = async |wanted: &str| {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = api.get(&output).await.expect(200);
            let text = answer.json["output"]["stdout"]
                .as_str()
                .expect("text")
                .to_owned();
            if text.contains(wanted) {
                return text;
            }
            assert!(Instant::now() < deadline, "{text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    shows("30 100\r\n").await;
    let size = json!({ "columns": 120, "rows": 40 });
    let resized = api.post(&format!("{path}/resize"), size).await.expect(200);
    assert_eq!(resized.json["exec"]["terminal"], true);
    let _fed = feed(&server, &format!("{path}/stdin"), b"\n")
        .await
        .expect(200);
    shows("40 120\r\n").await;
    let refused = api
        .post(
            &format!("{path}/resize"),
            json!({ "columns": 0, "rows": 1 }),
        )
        .await;
    refused.refused(400, "columns");
    let path = detach(&api, &container, json!({ "command": "sleep 60" })).await;
    let size = json!({ "columns": 1, "rows": 1 });
    let none = api.post(&format!("{path}/resize"), size).await.expect(409);
    assert_eq!(none.message(), "the command has no terminal");
    let _removed = api.delete(&path).await.expect(200);
}

#[tokio::test]
async fn removal_ends_the_whole_tree() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    for (command, killed) in [
        (
            format!("setsid sleep {nap} & (sleep {nap} &); sleep {nap}"),
            false,
        ),
        (
            format!("trap '' TERM; sleep {nap} & while :; do sleep {nap}; done"),
            true,
        ),
    ] {
        let path = detach(&api, &container, json!({ "command": command })).await;
        until("it runs", || running(&nap).len() >= 2).await;
        let waiting = tokio::spawn({
            let (api, path) = (api.clone(), path.clone());
            async move { wait(&api, &path).await }
        });
        // By then it waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let removed = api.delete(&path).await.expect(200).json["exec"].take();
        assert_eq!(removed["survivors"], json!([]));
        assert_eq!(removed["killed"], killed);
        assert_eq!(running(&nap), Vec::<String>::new());
        let told = waiting.await.expect("an answer");
        assert_ne!(told["state"], "running");
        let _gone = api.get(&path).await.expect(404);
    }
}

/// An `EventSource` connects again when a stream ends, with the last ID that it has seen.
#[tokio::test]
async fn who_has_read_the_end_is_told_to_stay_away() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let path = detach(&api, &container, json!({ "command": "printf 'ab\\342'" })).await;
    let output = format!("{path}/output");
    let mut stream = Reading::get(&server, &output, LINES).await.expect(200);
    let events = stream.lines().await;
    let end = events.last().expect("an end");
    assert_eq!(end["event"], "end");
    for accept in [EVENTS, LINES] {
        for event in &events {
            let id = event["id"].to_string();
            let headers = [("accept", accept), ("last-event-id", id.as_str())];
            let again = Reading::ask(&server, Method::GET, &output, &headers, Bytes::new()).await;
            if event["event"] == "end" {
                assert!(again.expect(204).rest().await.is_empty());
            } else {
                let rest = again.expect(200).rest().await;
                assert!(String::from_utf8_lossy(&rest).contains("end"), "{event}");
            }
        }
    }
    // One that runs has more to tell, whatever the ID.
    let path = detach(&api, &container, json!({ "command": "sleep 1; echo x" })).await;
    let headers = [("accept", LINES), ("last-event-id", "50")];
    let output = format!("{path}/output");
    let mut running = Reading::ask(&server, Method::GET, &output, &headers, Bytes::new())
        .await
        .expect(200);
    assert_eq!(
        running.lines().await.last().expect("an end")["event"],
        "end"
    );
}
