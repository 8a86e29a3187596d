//! What terminals showed, kept and played again.

use crate::container::Container;
use crate::server_with;
use crate::websocket::{JSON, Socket};
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

fn recording(which: &str, state: &Path) -> Server {
    let options = ServerOptions::default()
        .env("PODLANE_RECORDINGS", which)
        .env("XDG_STATE_HOME", state.to_str().expect("text"));
    server_with(options)
}

async fn list(api: &Client) -> Vec<Value> {
    let answer = api.get("/recordings").await.expect(200);
    answer.json["recordings"]
        .as_array()
        .expect("a list")
        .clone()
}

async fn session(server: &Server, container: &Container) {
    let path = container.path("exec/ws?shell=sh&columns=90&rows=20");
    let mut socket = Socket::open(server, &path, Some(JSON)).await;
    socket.type_in("stty -echo; echo rea''dy\n").await;
    socket.until("ready\r\n").await;
    socket.type_in("read secret; sleep 0.5; echo grüße\n").await;
    socket.type_in("swordfish\n").await;
    socket.until("grüße\r\n").await;
    socket
        .say(json!({ "type": "resize", "columns": 100, "rows": 30 }))
        .await;
    socket.type_in("exit 4\n").await;
    assert_eq!(socket.end().await.2["exit_code"], 4);
}

#[tokio::test]
async fn a_terminal_is_recorded_replayed_and_removed() {
    let state = tempfile::tempdir().expect("a directory");
    let server = recording("terminals", state.path());
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    api.exec(&container.name, "echo not recorded").await;
    assert_eq!(list(&api).await, Vec::<Value>::new());
    session(&server, &container).await;
    let recordings = list(&api).await;
    assert_eq!(recordings.len(), 1, "{recordings:?}");
    assert_eq!(recordings[0]["title"], format!("{}: sh", container.name));
    assert!(recordings[0]["duration_ms"].as_u64().expect("a number") >= 500);
    let id = recordings[0]["id"].as_str().expect("text");
    let cast = api.get(&format!("/recordings/{id}")).await.expect(200);
    assert_eq!(cast.headers["content-type"], "application/x-asciicast");
    let lines: Vec<Value> = cast
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (
            &lines[0]["version"],
            &lines[0]["width"],
            &lines[0]["height"]
        ),
        (&json!(2), &json!(90), &json!(20))
    );
    let output: String = lines[1..]
        .iter()
        .filter(|line| line[1] == "o")
        .filter_map(|line| line[2].as_str())
        .collect();
    assert!(
        output.contains("ready\r\n") && output.contains("grüße\r\n"),
        "{output}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line[1] == "r" && line[2] == "100x30")
    );
    assert!(
        !cast.text.contains("swordfish"),
        "what is typed is not recorded"
    );
    assert!(lines[1..].is_sorted_by_key(|line| line[0].as_f64()));

    let begun = Instant::now();
    let played = api
        .get(&format!("/recordings/{id}/replay"))
        .await
        .expect(200);
    assert!(
        begun.elapsed() >= Duration::from_millis(500),
        "in its own time"
    );
    let events: Vec<&str> = played.text.split_terminator("\n\n").collect();
    let wanted: Vec<String> = cast
        .text
        .lines()
        .map(|line| format!("data: {line}"))
        .collect();
    assert_eq!(events, wanted);
    let begun = Instant::now();
    let fast = api
        .get(&format!("/recordings/{id}/replay?speed=1000"))
        .await
        .expect(200);
    assert!(begun.elapsed() < Duration::from_millis(400));
    assert_eq!(fast.text, played.text);
    api.get(&format!("/recordings/{id}/replay?speed=0"))
        .await
        .refused(400, "speed");

    let gone = api.delete(&format!("/recordings/{id}")).await.expect(200);
    assert_eq!(gone.json["id"], id);
    for path in [
        format!("/recordings/{id}"),
        "/recordings/..%2F..%2Fx".into(),
    ] {
        let _none = api.get(&path).await.expect(404);
        let _none = api.delete(&path).await.expect(404);
    }
    assert_eq!(list(&api).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_typed_is_recorded_if_asked_for() {
    let state = tempfile::tempdir().expect("a directory");
    let kept = state.path().join("elsewhere");
    let options = ServerOptions::default()
        .env("PODLANE_RECORDINGS", "all")
        .env("PODLANE_RECORDINGS_INPUT", "true")
        .env("PODLANE_RECORDINGS_DIR", kept.to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    session(&server, &container).await;
    let given = json!({ "command": "cat >/dev/null", "stdin": "gr\u{fc}n" });
    assert_eq!(container.exec(given).await["exit_code"], 0);
    let recordings = list(&api).await;
    let mut typed = Vec::new();
    for recording in &recordings {
        let id = recording["id"].as_str().expect("text");
        assert!(kept.join(format!("{id}.cast")).exists());
        let cast = api.get(&format!("/recordings/{id}")).await.expect(200);
        let lines = cast.text.lines().skip(1);
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let input = lines.filter(|line| line[1] == "i");
        typed.push(
            input
                .filter_map(|line| line[2].as_str().map(str::to_owned))
                .collect::<String>(),
        );
    }
    assert_eq!(typed[0], "gr\u{fc}n");
    assert!(typed[1].contains("\nswordfish\nexit 4\n"), "{typed:?}");
}

#[tokio::test]
async fn all_or_nothing_if_asked() {
    let state = tempfile::tempdir().expect("a directory");
    let server = recording("off", state.path());
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    session(&server, &container).await;
    assert_eq!(list(&server.client()).await, Vec::<Value>::new());
    assert!(!state.path().join("podlane/recordings").exists());

    let server = recording("all", state.path());
    let api = server.client();
    assert_eq!(api.exec(&container.name, "echo hi").await["output"], "hi\n");
    let recordings = list(&api).await;
    assert_eq!(recordings.len(), 1);
    let id = recordings[0]["id"].as_str().expect("text");
    let cast = api.get(&format!("/recordings/{id}")).await.expect(200);
    assert!(cast.text.contains(",\"o\",\"hi\\n\"]"), "{}", cast.text);
}

#[tokio::test]
async fn what_can_not_be_recorded_is_not_run() {
    let state = tempfile::tempdir().expect("a directory");
    let directory = state.path().join("recordings");
    let options = ServerOptions::default()
        .env("PODLANE_RECORDINGS", "all")
        .env("PODLANE_RECORDINGS_DIR", directory.to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    assert!(directory.is_dir(), "it is made at the start");
    std::fs::remove_dir(&directory).expect("it is empty");
    std::fs::write(&directory, "").expect("a file in its place");
    let body = json!({ "command": "touch /tmp/run" });
    let refused = api.post(&container.path("exec"), body).await.expect(503);
    assert!(refused.message().contains("recordings"), "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    std::fs::remove_file(&directory).expect("the file");
    let left = api.exec(&container.name, "ls /tmp/run").await;
    assert_ne!(left["exit_code"], 0, "{left}");
}
