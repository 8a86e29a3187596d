//! Ends of commands whose container is paused meanwhile: in time, told as they are, and for good.

use crate::container::{Container, nap, running, until};
use crate::reading::Reading;
use crate::websocket::{JSON, Socket};
use crate::{server, server_by_stream, server_with};
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions, podman};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Far less than what an end of something that does not answer once took, with room for a busy machine.
const SOON: Duration = Duration::from_secs(8);

fn ways() -> [(Server, Value); 3] {
    [
        (server(), json!(true)),
        (server_by_stream(), json!(true)),
        (server(), json!(false)),
    ]
}

/// Insists that each one is told to wait for the container only.
#[track_caller]
fn assert_told(ended: &Value) {
    assert_eq!(ended["killed"], true, "{ended}");
    // A kernel that lets frozen processes be killed leaves none.
    for left in ended["survivors"].as_array().expect("survivors") {
        assert_eq!(left["paused"], true, "{ended}");
    }
}

async fn thaw(container: &Container, nap: &str) {
    assert!(podman(&["unpause", &container.name]).status.success());
    until("nothing of it runs", || running(nap).is_empty()).await;
    // What was asked for while the container was paused does not run later.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(running(nap), Vec::<String>::new());
    let top = podman(&["top", &container.name, "args"]);
    assert!(!String::from_utf8_lossy(&top.stdout).contains(nap));
}

fn script(nap: &str) -> String {
    format!("setsid sleep {nap} & (trap '' TERM; sleep {nap}) & sleep {nap}")
}

async fn pause_once_it_runs(container: &Container, nap: &str) {
    until("all of it runs", || running(nap).len() >= 3).await;
    assert!(podman(&["pause", &container.name]).status.success());
}

#[tokio::test]
async fn a_time_out_is_kept() {
    for (server, agent) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        let nap = nap();
        let body = json!({ "command": script(&nap), "timeout": 5, "agent": agent });
        let began = Instant::now();
        let asking = tokio::spawn({
            let (api, path) = (api.clone(), container.path("exec"));
            async move { api.post(&path, body).await }
        });
        pause_once_it_runs(&container, &nap).await;
        let answer = asking.await.expect("asked").expect(200);
        assert!(
            began.elapsed() < Duration::from_secs(5) + SOON,
            "{:?}",
            began.elapsed()
        );
        let execution = &answer.json["execution"];
        assert_eq!(execution["timed_out"], true, "{execution}");
        assert_told(execution);
        thaw(&container, &nap).await;
        api.exec(&container.name, "true").await;
    }
}

#[tokio::test]
async fn the_servers_own_limit_says_why() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "5"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let began = Instant::now();
    let asking = tokio::spawn({
        let (api, path) = (api.clone(), container.path("exec"));
        let body = json!({ "command": script(&nap) });
        async move { api.post(&path, body).await }
    });
    pause_once_it_runs(&container, &nap).await;
    let answer = asking.await.expect("asked").expect(408);
    assert!(
        began.elapsed() < Duration::from_secs(5) + SOON,
        "{:?}",
        began.elapsed()
    );
    let told = answer.message().contains("paused") || running(&nap).is_empty();
    assert!(told, "{}", answer.text);
    thaw(&container, &nap).await;
}

async fn detached(api: &Client, container: &Container, body: Value) -> String {
    let answer = api.post(&container.path("exec"), body).await.expect(201);
    format!(
        "/execs/{}",
        answer.json["exec"]["id"].as_str().expect("an ID")
    )
}

#[tokio::test]
async fn a_background_command_is_removed() {
    for (server, agent) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        let nap = nap();
        let body = json!({ "command": script(&nap), "detach": true, "agent": agent });
        let path = detached(&api, &container, body).await;
        pause_once_it_runs(&container, &nap).await;
        let began = Instant::now();
        let removed = api.delete(&path).await.expect(200);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        assert_told(&removed.json["exec"]);
        let _ = api.get(&path).await.expect(404);
        thaw(&container, &nap).await;
    }
}

#[tokio::test]
async fn a_background_command_has_its_time() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let body = json!({ "command": script(&nap), "detach": true, "timeout": 4 });
    let path = detached(&api, &container, body).await;
    pause_once_it_runs(&container, &nap).await;
    let ended = api
        .act(&format!("{path}/wait?timeout=20"))
        .await
        .expect(200);
    let ended = &ended.json["exec"];
    assert_eq!(
        (&ended["state"], &ended["timed_out"]),
        (&json!("exited"), &json!(true))
    );
    assert_told(ended);
    thaw(&container, &nap).await;
}

#[tokio::test]
async fn who_leaves_a_paused_container_leaves_nothing() {
    for (server, agent) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        let (first, second) = (nap(), nap());
        let body = json!({ "command": script(&first), "agent": agent });
        let path = container.path("exec");
        let stream = Reading::post(&server, &path, "text/event-stream", body);
        let stream = stream.await.expect(200);
        let query = format!("exec/ws?command=sleep&command={second}&agent={agent}");
        let socket = Socket::open(&server, &container.path(&query), Some(JSON)).await;
        until("it runs", || running(&second).len() == 1).await;
        pause_once_it_runs(&container, &first).await;
        drop((stream, socket));
        tokio::time::sleep(Duration::from_secs(1)).await;
        thaw(&container, &first).await;
        until("nothing of it runs", || running(&second).is_empty()).await;
    }
}

/// One without its mark is not found from outside: its agent ends it when it can.
#[tokio::test]
async fn what_hides_does_not_go_on_either() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let asking = tokio::spawn({
        let (api, path) = (api.clone(), container.path("exec"));
        let body = json!({ "command": ["env", "-i", "sleep", nap], "timeout": 4 });
        async move { api.post(&path, body).await }
    });
    until("it runs", || running(&nap).len() == 1).await;
    assert!(podman(&["pause", &container.name]).status.success());
    let answer = asking.await.expect("asked").expect(200);
    let execution = &answer.json["execution"];
    assert_eq!(
        (&execution["timed_out"], &execution["killed"]),
        (&json!(true), &json!(true))
    );
    thaw(&container, &nap).await;
    api.exec(&container.name, "true").await;
}
