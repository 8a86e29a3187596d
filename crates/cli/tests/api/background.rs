//! Commands in the background: they outlive their caller, and their output waits for its reader.

use crate::container::{Container, nap, running, until};
use crate::reading::{Reading, ordered, text};
use crate::{server, server_with};
use bytes::Bytes;
use http::Method;
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
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
        "command": "echo $SECRET-word; cat; echo err >&2; exit 3",
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
        for _ in 0..=readers * 7 {
            let Some(event) = reading.line().await else {
                break;
            };
            last = event["id"].as_u64().expect("an ID");
            events.push(event);
        }
        readers += 1;
    }
    assert!(readers > 5, "{readers}");
    ordered(&events);
    let lines = |word: &str| {
        (0..400)
            .map(|i| format!("{word} {i}\n"))
            .collect::<String>()
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
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "2"));
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
    assert!(began.elapsed() < Duration::from_secs(10));
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
        let removed = api.delete(&path).await.expect(200).json["exec"].take();
        assert_eq!(removed["survivors"], json!([]));
        assert_eq!(removed["killed"], killed);
        assert_eq!(running(&nap), Vec::<String>::new());
        let told = waiting.await.expect("an answer");
        assert_ne!(told["state"], "running");
        let _gone = api.get(&path).await.expect(404);
    }
}

/// More output than is kept: the newest is there, and readers are told what is not.
#[tokio::test]
async fn an_overflow_is_said_and_memory_stays_flat() {
    let state = tempfile::tempdir().expect("a directory");
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_EXEC_LOG_BYTES", "262144")
        .env("PODLANE_STATE_DIR", state.path().to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let command = "dd if=/dev/zero bs=1M count=64 status=none; echo end";
    let path = detach(&api, &container, json!({ "command": command })).await;
    let exec = wait(&api, &path).await;
    let total = (64 << 20) + 4;
    assert_eq!(exec["output"]["bytes"], total);
    let from = exec["output"]["from"].as_u64().expect("a number");
    assert_eq!(exec["output"]["lost_bytes"], from);
    assert!((100_000..=262_144).contains(&(total - from)), "{from}");
    let mut reading = Reading::get(&server, &format!("{path}/output"), LINES).await;
    let events = reading.lines().await;
    assert_eq!(
        events[1],
        json!({ "id": from, "event": "lost", "bytes": from })
    );
    let kept = text(&events, "stdout");
    assert_eq!(kept.len() as u64, total - from);
    assert!(kept.ends_with("end\n"));
    let bounded = format!("{path}/output?from={}", from + 1);
    let part = api.get(&bounded).await.expect(200).json["output"].take();
    assert_eq!(
        (&part["lost_bytes"], &part["next"]),
        (&json!(0), &json!(total))
    );
    let folder = state.path().join("execs");
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut size = 0;
    for file in fs::read_dir(folder.join(&path["/execs/".len()..])).expect("its folder") {
        let file = file.expect("a file");
        assert_eq!(mode(&file.path()), 0o600);
        size += file.metadata().expect("there").len();
    }
    assert!(size < 300_000, "{size}");
    let _removed = api.delete(&path).await.expect(200);
    assert!(!folder.join(&path["/execs/".len()..]).exists());
}

#[tokio::test]
async fn after_kill_9_it_is_lost_and_its_output_is_there() {
    let state = tempfile::tempdir().expect("a directory");
    let options =
        ServerOptions::default().env("PODLANE_STATE_DIR", state.path().to_str().expect("text"));
    let server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let lost = detach(
        &server.client(),
        &container,
        json!({ "command": format!("echo on; sleep {nap}") }),
    )
    .await;
    let done = detach(
        &server.client(),
        &container,
        json!({ "command": "echo done" }),
    )
    .await;
    let before = wait(&server.client(), &done).await;
    until("it runs", || running(&nap).len() == 1).await;
    let mut reading = Reading::get(&server, &format!("{lost}/output"), LINES).await;
    let (_start, _on) = (reading.line().await, reading.line().await);
    // The place belongs to one server at a time.
    let second = server_with(&options);
    let body = json!({ "command": "true", "detach": true });
    let refused = second
        .client()
        .post(&container.path("exec"), body.clone())
        .await
        .expect(503);
    assert!(
        refused.message().contains("another server"),
        "{}",
        refused.text
    );
    drop(second);
    server.kill();
    let server = server_with(&options);
    let api = server.client();
    let exec = look(&api, &lost).await;
    assert_eq!(
        (&exec["state"], &exec["exit_code"]),
        (&json!("lost"), &Value::Null)
    );
    assert!(
        exec["lost"].as_str().expect("a reason").contains("server"),
        "{exec}"
    );
    let mut reading = Reading::get(&server, &format!("{lost}/output"), LINES).await;
    let events = reading.lines().await;
    assert_eq!(text(&events, "stdout"), "on\n");
    assert_eq!(events.last().expect("an event")["event"], "error");
    assert_eq!(look(&api, &done).await, before);
    let output = api.get(&format!("{done}/output")).await.expect(200);
    assert_eq!(output.json["output"]["stdout"], "done\n");
    until("what was lost is ended", || running(&nap).is_empty()).await;
    let _late = api
        .post(&format!("{lost}/signal"), json!({ "signal": "9" }))
        .await
        .expect(409);
    let _removed = api.delete(&lost).await.expect(200);
}

#[tokio::test]
async fn a_stopping_server_ends_and_records_them() {
    let state = tempfile::tempdir().expect("a directory");
    let options =
        ServerOptions::default().env("PODLANE_STATE_DIR", state.path().to_str().expect("text"));
    let mut server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let path = detach(
        &server.client(),
        &container,
        json!({ "command": ["sleep", nap] }),
    )
    .await;
    until("it runs", || running(&nap).len() == 1).await;
    let code = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .expect("it ends");
    assert_eq!(code, Some(0));
    assert_eq!(running(&nap), Vec::<String>::new());
    let server = server_with(&options);
    let exec = look(&server.client(), &path).await;
    assert_eq!(
        (&exec["state"], &exec["lost"]),
        (&json!("lost"), &json!("the server was stopped"))
    );
}

#[tokio::test]
async fn so_many_and_for_so_long() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_EXECS", "2")
        .env("PODLANE_EXEC_RETENTION", "4");
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let first = detach(&api, &container, json!({ "command": "true" })).await;
    wait(&api, &first).await;
    let second = detach(&api, &container, json!({ "command": "sleep 60" })).await;
    // The oldest ended one makes room.
    let third = detach(&api, &container, json!({ "command": "sleep 60" })).await;
    let _gone = api.get(&first).await.expect(404);
    let body = json!({ "command": "true", "detach": true });
    let full = api.post(&container.path("exec"), body).await.expect(503);
    assert!(full.headers.contains_key("retry-after"));
    let _removed = api.delete(&second).await.expect(200);
    let fourth = detach(&api, &container, json!({ "command": "true" })).await;
    wait(&api, &fourth).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let _expired = api.get(&fourth).await.expect(404);
    let _removed = api.delete(&third).await.expect(200);
}

#[tokio::test]
async fn what_is_refused_names_its_field() {
    let state = tempfile::NamedTempFile::new().expect("a file");
    let options =
        ServerOptions::default().env("PODLANE_STATE_DIR", state.path().to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let unkept = api
        .post(
            &container.path("exec"),
            json!({ "command": "true", "detach": true }),
        )
        .await
        .expect(503);
    assert!(unkept.message().contains("state_dir"), "{}", unkept.text);
    assert!(!unkept.text.contains(state.path().to_str().expect("text")));
    let server = crate::server();
    let api = server.client();
    let exec = container.path("exec");
    for (body, field) in [
        (
            json!({ "command": "cat", "stdin_open": true }),
            "stdin_open",
        ),
        (
            json!({ "command": "cat", "terminal": { "columns": 1, "rows": 1 } }),
            "terminal",
        ),
        (
            json!({ "command": "cat", "detach": true, "stdin_open": true, "stdin": "x" }),
            "stdin_open",
        ),
        (
            json!({ "command": "cat", "detach": true, "terminal": { "columns": 0, "rows": 1 } }),
            "terminal.columns",
        ),
        (
            json!({ "command": "cat", "detach": true, "timeout": 90_000 }),
            "timeout",
        ),
    ] {
        api.post(&exec, body).await.refused(400, field);
    }
    let body = json!({ "command": "true", "detach": true });
    let _unknown = api.post("/containers/nosuch/exec", body).await.expect(404);
    assert_eq!(api.get("/execs").await.expect(200).json["execs"], json!([]));
    api.get("/execs?state=odd").await.refused(400, "state");
    api.get("/execs/short").await.refused(400, "id");
    let nobody = format!("/execs/{}", "0".repeat(32));
    let _unknown = api.get(&nobody).await.expect(404);
    let path = detach(&api, &container, json!({ "command": "true" })).await;
    let output = format!("{path}/output");
    api.get(&format!("{output}?from=x"))
        .await
        .refused(400, "from");
    api.get(&format!("{output}?follow=true"))
        .await
        .refused(400, "follow");
    api.get(&format!("{output}?encoding=x"))
        .await
        .refused(400, "encoding");
    api.post(&format!("{path}/signal"), json!({ "signal": "NONE" }))
        .await
        .refused(400, "signal");
    api.act(&format!("{path}/wait?timeout=31"))
        .await
        .refused(400, "timeout");
}
