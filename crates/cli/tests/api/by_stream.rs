//! Agents that are reached over one stream through the engine: what is different with them.

use crate::agents::{agents, hello};
use crate::container::{Container, nap, running, until};
use crate::recovery::{Engine, send};
use crate::{server_by_stream, server_with};
use podlane_testkit::{BUSYBOX, ServerOptions, podman, unique};
use serde_json::json;
use std::path::PathBuf;

/// What of a program lies in a container's root directory.
fn programs(container: &Container) -> String {
    let found = podman(&[
        "exec",
        &container.name,
        "sh",
        "-c",
        "ls -a / | grep podlane",
    ]);
    String::from_utf8_lossy(&found.stdout).into_owned()
}

#[tokio::test]
async fn the_program_does_not_stay() {
    let server = server_by_stream();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--user=1000"]);
    let answer = hello(&api, &container).await;
    assert_eq!(answer.headers["x-exec-path"], "stream");
    until("it is removed", || programs(&container).is_empty()).await;
    let answer = hello(&api, &container).await;
    assert_eq!(answer.headers["x-exec-path"], "stream");
    // Nor one that can't be started.
    let body = json!({ "command": "true", "user": "nosuch" });
    let _ = api.post(&container.path("exec"), body).await.expect(400);
    until("it is removed", || programs(&container).is_empty()).await;
}

/// Where the program can't be put the engine runs commands.
#[tokio::test]
async fn a_read_only_container() {
    let server = server_by_stream();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--read-only"]);
    for _ in 0..2 {
        let answer = hello(&api, &container).await;
        assert_eq!(answer.headers["x-exec-path"], "engine");
    }
}

#[tokio::test]
async fn a_killed_server_takes_all_along() {
    let server = server_by_stream();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let command = format!("trap '' TERM; (env -i setsid sleep {nap} &); sleep {nap}");
    let stream = send(
        &server,
        &container.path("exec"),
        &json!({ "command": command }),
    );
    until("it runs", || running(&nap).len() == 2).await;
    server.kill();
    drop(stream);
    until("nothing of it runs", || running(&nap).is_empty()).await;
    until("no agent is there", || agents(&container).is_empty()).await;
    assert_eq!(container.inspect("{{.State.Status}}"), "running");
}

/// The stream ends with the engine, and the command with the stream.
#[tokio::test]
async fn a_killed_engine_takes_commands_along() {
    let folder = PathBuf::from(std::env::var_os("PODLANE_TEST_DIR").expect("an isolated Podman"));
    let engine = Engine::start(folder.join(format!("{}.sock", unique("engine"))));
    let options = ServerOptions::default().flag("--podman=");
    let server = server_with(options.engine(&engine.socket));
    let api = server.client();
    engine.answers(&api).await;
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let waiting = tokio::spawn({
        let (api, path) = (api.clone(), container.path("exec"));
        let body = json!({ "command": format!("setsid sleep {nap} & sleep {nap}") });
        async move { api.post(&path, body).await }
    });
    until("it runs", || running(&nap).len() == 2).await;
    let socket = engine.kill();
    let answer = waiting.await.expect("an answer").expect(500);
    assert!(answer.message().contains("unknown"), "{}", answer.text);
    until("nothing of it runs", || running(&nap).is_empty()).await;

    let engine = Engine::start(socket);
    engine.answers(&api).await;
    hello(&api, &container).await;
}

#[tokio::test]
async fn a_paused_container_runs_nothing_later() {
    let options = ServerOptions::default().flag("--podman=");
    let server = server_with(options.env("REQUEST_TIMEOUT", "8"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    hello(&api, &container).await;
    assert!(podman(&["pause", &container.name]).status.success());
    for more in ["", &"x".repeat(100_000)] {
        let body = json!({ "command": format!("touch /tmp/late # {more}") });
        let _ = api.post(&container.path("exec"), body).await.expect(409);
    }
    assert!(podman(&["unpause", &container.name]).status.success());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let body = json!({ "command": "ls /tmp/late" });
    let answer = api.post(&container.path("exec"), body).await.expect(200);
    assert_ne!(answer.json["execution"]["exit_code"], 0, "{}", answer.json);
}

/// Input and output of many at once, each of more than a window.
#[tokio::test]
async fn much_goes_both_ways() {
    let server = server_by_stream();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let sent = "0123456789\u{10}\u{11}".repeat(100_000);
    let commands = (0..8).map(|_| {
        let body = json!({ "command": "cat; sleep 0.1", "stdin": sent });
        let (api, path) = (api.clone(), container.path("exec"));
        async move { api.post(&path, body).await.expect(200) }
    });
    for answer in futures_util::future::join_all(commands).await {
        assert_eq!(answer.headers["x-exec-path"], "stream");
        let output = answer.json["execution"]["stdout"].as_str().expect("text");
        assert!(output == sent, "{} bytes", output.len());
    }
}
