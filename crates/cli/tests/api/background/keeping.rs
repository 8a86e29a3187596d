//! What is kept of them: how much, for how long, and after the end of their server.

use super::{LINES, detach, look, wait};
use crate::container::{Container, nap, running, until};
use crate::reading::{Reading, text};
use crate::server_with;
use podlane_testkit::{BUSYBOX, ServerOptions};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

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
