//! However a command tries to live on: after its time-out, its client or its server nothing of it runs,
//! and nothing else is touched.

use crate::container::{Container, nap, running, until};
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, Client, DEBIAN, Server, ServerOptions, podman};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Commands that leave much to be cleared up; NAP is a number of seconds of their own.
const STUBBORN: [(&str, &str); 11] = [
    ("a child in the background", "sleep NAP & sleep NAP"),
    ("a session of its own", "setsid sleep NAP & sleep NAP"),
    ("a double fork", "(sh -c 'sleep NAP &' &); sleep NAP"),
    (
        "signals ignored",
        "trap '' TERM INT HUP; sh -c 'trap \"\" TERM; sleep NAP' & sleep NAP",
    ),
    (
        "a stopped process",
        "sleep NAP & kill -STOP $!; sh -c 'kill -STOP $$; sleep NAP' & sleep NAP",
    ),
    ("the leader stopped", "sleep NAP & kill -STOP $$; sleep NAP"),
    ("outputs closed", "exec >&- 2>&-; sleep NAP & sleep NAP"),
    (
        "a child in an empty environment",
        "env -i sleep NAP & env -i setsid sleep NAP & sleep NAP",
    ),
    (
        "a child that outlives its parent and keeps the pipe",
        "sh -c 'setsid sleep NAP & exit'; sleep NAP",
    ),
    (
        "a process that respawns",
        "f() { while :; do sleep NAP; done; }; f & f & sleep NAP",
    ),
    (
        "many",
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do (setsid sleep NAP &); done; sleep NAP",
    ),
];

/// Nothing ties these to the command but their descent, which only an agent knows for certain.
const STRANGERS: [(&str, &str); 2] = [
    (
        "no environment, no session, no parent, no pipe",
        "(env -i setsid sh -c 'exec </dev/null >/dev/null 2>&1; (sleep NAP &)' &); sleep NAP",
    ),
    (
        "a fork bomb",
        "bomb() { sleep NAP & bomb & bomb & sleep NAP; }; ulimit -u 4000; bomb & sleep NAP",
    ),
];

/// A server under which a bystander lives as long as a test.
fn patient() -> ServerOptions {
    ServerOptions::default().env("REQUEST_TIMEOUT", "120")
}

/// What must stay: the container's main process and another exec.
struct Bystander {
    nap: String,
    exec: tokio::task::JoinHandle<Value>,
}

impl Bystander {
    async fn new(api: &Client, container: &Container) -> Self {
        let nap = nap();
        let (api, path) = (api.clone(), container.path("exec"));
        let command = format!("sleep {nap} & echo $! >/tmp/other; wait; echo woken");
        let body = json!({ "command": command, "timeout": 110 });
        let exec = tokio::spawn(async move { api.post(&path, body).await.json });
        until("another exec runs", || !running(&nap).is_empty()).await;
        Self { nap, exec }
    }

    /// It has not been touched: it goes on when it is woken.
    async fn goes_on(self, container: &Container) {
        assert_eq!(container.inspect("{{.State.Status}}"), "running");
        assert_eq!(running(&self.nap).len(), 1, "the other exec was hit");
        podman(&[
            "exec",
            &container.name,
            "sh",
            "-c",
            "kill -9 $(cat /tmp/other)",
        ]);
        let answer = self.exec.await.expect("an answer");
        assert_eq!(answer["execution"]["stdout"], "woken\n", "{answer}");
    }
}

/// Starts an exec and goes away while it runs.
async fn leave(server: &Server, container: &Container, command: &str, begun: impl Fn() -> bool) {
    let mut stream = begin(server, container, command);
    until("the command runs", begun).await;
    stream.flush().expect("open");
    drop(stream);
}

/// Sends an exec on a connection of its own.
fn begin(server: &Server, container: &Container, command: &str) -> TcpStream {
    let body = json!({ "command": command }).to_string();
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    write!(
        stream,
        "POST /api/v1{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        container.path("exec"),
        server.address(),
        body.len()
    )
    .expect("sent");
    stream
}

#[tokio::test]
async fn nothing_outlives_its_own_time_limit() {
    let (server, by_stream) = (
        server_with(patient()),
        server_with(patient().flag("--podman=")),
    );
    for (server, image, agent) in [
        (&server, BUSYBOX, true),
        (&server, DEBIAN, true),
        (&by_stream, BUSYBOX, true),
        (&server, BUSYBOX, false),
    ] {
        let api = server.client();
        let container = Container::sleeping(&api, image).await;
        let bystander = Bystander::new(&api, &container).await;
        let strangers = if agent { &STRANGERS[..] } else { &[] };
        for (what, command) in STUBBORN.iter().chain(strangers) {
            let nap = nap();
            let command = format!("echo begun; {}", command.replace("NAP", &nap));
            let asked = Instant::now();
            let execution = container
                .exec(json!({ "command": command, "timeout": 1.5, "agent": agent }))
                .await;
            assert!(asked.elapsed() < Duration::from_secs(20), "{what}");
            assert_eq!(execution["timed_out"], true, "{what}: {execution}");
            assert_eq!(execution["success"], false);
            assert_eq!(execution["stdout"], "begun\n", "{what}");
            assert_eq!(running(&nap), Vec::<String>::new(), "{image}: {what}");
            let inside = podman(&["top", &container.name, "args"]);
            let inside = String::from_utf8_lossy(&inside.stdout).into_owned();
            assert!(!inside.contains(&nap), "{what}: {inside}");
        }
        bystander.goes_on(&container).await;
    }
}

#[tokio::test]
async fn past_the_request_timeout_the_answer_is_408() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "3"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for (what, command) in &STUBBORN[..4] {
        let nap = nap();
        let body = json!({ "command": command.replace("NAP", &nap) });
        let asked = Instant::now();
        let answer = api.post(&container.path("exec"), body).await.expect(408);
        assert!(asked.elapsed() < Duration::from_secs(30), "{what}");
        assert!(
            answer
                .message()
                .contains("did not finish within the request's 3 seconds"),
            "{}",
            answer.text
        );
        assert_eq!(running(&nap), Vec::<String>::new(), "{what}");
    }
    // A limit of its own, as long: what came until then is told.
    let body = json!({ "command": "echo begun; sleep 60", "timeout": 3 });
    let answer = api.post(&container.path("exec"), body).await.expect(200);
    let execution = &answer.json["execution"];
    assert_eq!(execution["timed_out"], true, "{}", answer.text);
    assert_eq!(execution["output"], "begun\n");
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
}

#[tokio::test]
async fn nothing_outlives_its_client() {
    let server = server_with(patient());
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let bystander = Bystander::new(&api, &container).await;
    for (what, command) in STUBBORN {
        let nap = nap();
        let command = command.replace("NAP", &nap);
        leave(&server, &container, &command, || !running(&nap).is_empty()).await;
        until(what, || running(&nap).is_empty()).await;
    }
    bystander.goes_on(&container).await;
    let metrics = api.get("/metrics").await.expect(200).json;
    assert_eq!(metrics["active_threads"], 0, "workers are free again");
}

/// Gone before the engine has even started the command: it must not start later and stay.
#[tokio::test]
async fn nothing_starts_for_a_client_that_has_left() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    for wait in [
        0, 1, 2, 4, 6, 8, 10, 12, 15, 18, 22, 26, 30, 35, 40, 50, 60, 80,
    ] {
        let stream = begin(&server, &container, &format!("sleep {nap}"));
        tokio::time::sleep(Duration::from_millis(wait)).await;
        drop(stream);
    }
    // All that had been asked of the engine has come to pass by the time that later execs are done.
    for _ in 0..3 {
        api.exec(&container.name, "sleep 0.3").await;
    }
    until("all have ended", || running(&nap).is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running(&nap), Vec::<String>::new());
}

/// The limit passes while the engine is still starting the command.
#[tokio::test]
async fn nothing_starts_after_its_time_limit() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    for timeout in [0.001, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2] {
        let body = json!({ "command": format!("sleep {nap}"), "timeout": timeout });
        let execution = container.exec(body).await;
        assert_eq!(execution["timed_out"], true);
        assert_eq!(running(&nap), Vec::<String>::new(), "after {timeout} s");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running(&nap), Vec::<String>::new());
}

#[tokio::test]
async fn a_fork_bomb_is_ended() {
    let server = server();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--pids-limit", "100"]);
    let nap = nap();
    for bomb in [
        "f() { f | f & }; f; sleep NAP",
        "f() { setsid sh -c 'sleep NAP' & f; }; f",
    ] {
        let command = bomb.replace("NAP", &nap);
        let asked = Instant::now();
        let body = json!({ "command": command, "timeout": 2 });
        let answer = api.post(&container.path("exec"), body).await;
        assert!(asked.elapsed() < Duration::from_secs(30), "bounded");
        // A shell that can't fork gives up by itself.
        assert!(
            [200, 408].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
        if answer.json["execution"]["timed_out"] == true {
            until("the bomb has ended", || running(&nap).is_empty()).await;
        }
        podman(&["restart", "-t", "0", &container.name]);
    }
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
}

#[tokio::test]
async fn what_a_finished_command_left_in_the_background_stays() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for command in [
        "sleep NAP & echo started",
        "sleep NAP >/dev/null 2>&1 & echo started",
        "setsid sleep NAP & echo started",
        "(sh -c 'sleep NAP &' &); echo started",
    ] {
        let nap = nap();
        let command = command.replace("NAP", &nap);
        let asked = Instant::now();
        let execution = api.exec(&container.name, command.as_str()).await;
        assert!(asked.elapsed() < Duration::from_secs(20), "{command}");
        assert_eq!(execution["output"], "started\n");
        until("it runs", || running(&nap).len() == 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(running(&nap).len(), 1, "{command}");
    }
}

#[tokio::test]
async fn a_stopping_server_ends_its_commands() {
    let mut server = server_with(ServerOptions::default().env("PODLANE_SHUTDOWN_GRACE", "1"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let (nap, left) = (nap(), nap());
    let path = container.path("exec");
    let command = format!("trap '' TERM; setsid sleep {nap} & sleep {nap}");
    let waiting = tokio::spawn({
        let api = api.clone();
        async move { api.post(&path, json!({ "command": command })).await }
    });
    until("the command runs", || running(&nap).len() == 2).await;
    // One whose client leaves at the last moment is ended before the server is gone.
    let begun = || !running(&left).is_empty();
    leave(&server, &container, &format!("sleep {left}"), begun).await;
    let code = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .expect("it ends");
    assert_eq!(code, Some(0));
    let answer = waiting.await.expect("an answer").expect(503);
    assert!(answer.message().contains("stopping"), "{}", answer.text);
    assert_eq!(running(&nap), Vec::<String>::new());
    assert_eq!(running(&left), Vec::<String>::new());
    assert_eq!(container.inspect("{{.State.Status}}"), "running");
}
