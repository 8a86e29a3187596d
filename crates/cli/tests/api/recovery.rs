//! Servers and engines that die at any moment: the next one puts right what is half-done, and touches
//! nothing else.

use crate::container::{Container, nap, running, until};
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, Client, DEBIAN, Server, ServerOptions, podman, unique};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Says which request of which server made a container.
const LABEL: &str = "io.podlane.made-by";

pub(crate) fn send(server: &Server, path: &str, body: &serde_json::Value) -> TcpStream {
    let body = body.to_string();
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    write!(
        stream,
        "POST /api/v1{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.address(),
        body.len()
    )
    .expect("sent");
    stream
}

fn state(name: &str) -> Option<String> {
    let found = podman(&[
        "container",
        "inspect",
        "--format",
        "{{.State.Status}}",
        name,
    ]);
    found
        .status
        .success()
        .then(|| String::from_utf8_lossy(&found.stdout).trim().to_owned())
}

#[tokio::test]
async fn a_server_killed_in_every_phase_of_a_create() {
    let prefix = unique("cut");
    let mut made = Vec::new();
    for turn in 0..16 {
        let server = server();
        let name = format!("{prefix}-{turn}");
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
        let mut stream = send(&server, "/containers", &body);
        tokio::time::sleep(Duration::from_millis(turn * 12)).await;
        server.kill();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        made.push((name, answer.starts_with("HTTP/1.1 200")));
    }
    // One that is surely answered.
    {
        let server = server();
        let name = format!("{prefix}-whole");
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
        let _ = server.client().post("/containers", body).await.expect(200);
        server.kill();
        made.push((name, true));
    }
    let next = server();
    let half_made = || {
        let name = format!("name={prefix}");
        let arguments = ["ps", "-aq", "--filter", "status=created", "--filter", &name];
        !podman(&arguments).stdout.is_empty()
    };
    // The engine may have been at the last ones yet when their server died.
    tokio::time::sleep(Duration::from_secs(3)).await;
    until("nothing half-made is left", || !half_made()).await;
    for (name, answered) in &made {
        let state = state(name);
        if *answered {
            assert_eq!(
                state.as_deref(),
                Some("running"),
                "{name} was answered as created"
            );
        } else {
            assert!(
                matches!(state.as_deref(), None | Some("running")),
                "{name}: {state:?}"
            );
        }
    }
    // Every name can be used again.
    let api = next.client();
    for (name, _) in &made {
        let _ = api.delete(&format!("/containers/{name}?force=true")).await;
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
        let _ = api.post("/containers", body).await.expect(200);
        podman(&["rm", "-f", "-t", "0", name]);
    }
}

#[tokio::test]
async fn only_what_a_dead_server_never_started_is_removed() {
    let living = server();
    let dead = server();
    let made_by = |container: &Container| {
        container.inspect(&format!("{{{{index .Config.Labels \"{LABEL}\"}}}}"))
    };
    let api = dead.client();
    let stopped = Container::sleeping(&api, BUSYBOX).await;
    let runs = Container::sleeping(&api, BUSYBOX).await;
    let _ = api.act(&stopped.path("stop")).await.expect(200);
    let sample = Container::sleeping(&living.client(), BUSYBOX).await;
    let create = |name: &str, labels: &[&str]| {
        let arguments = [
            &["create", "--name", name],
            labels,
            &[BUSYBOX, "sleep", "9"],
        ]
        .concat();
        assert!(podman(&arguments).status.success());
    };
    let [of_dead, of_living, of_another_tool, of_another_host] =
        ["dead", "living", "tool", "host"].map(unique);
    create(
        &of_dead,
        &["--label", &format!("{LABEL}={}9", made_by(&runs))],
    );
    create(
        &of_living,
        &["--label", &format!("{LABEL}={}9", made_by(&sample))],
    );
    create(&of_another_tool, &[]);
    create(
        &of_another_host,
        &[
            "--label",
            &format!("{LABEL}=11111111-2222.4026531836.77.99-1"),
        ],
    );
    dead.kill();

    let _next = server();
    until("the half-made one is removed", || state(&of_dead).is_none()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for name in [&of_living, &of_another_tool, &of_another_host] {
        assert_eq!(
            state(name).as_deref(),
            Some("created"),
            "{name} is not ours to remove"
        );
    }
    assert_eq!(state(&stopped.name).as_deref(), Some("exited"));
    assert_eq!(state(&runs.name).as_deref(), Some("running"));
    for name in [&of_living, &of_another_tool, &of_another_host] {
        podman(&["rm", "-f", name]);
    }
}

#[tokio::test]
async fn commands_of_a_killed_server_are_ended_by_the_next() {
    for image in [BUSYBOX, DEBIAN] {
        let (living, dead) = (server(), server());
        let api = living.client();
        let container = Container::sleeping(&api, image).await;
        let [orphan, background, other] = [(); 3].map(|()| nap());
        // What has ended well before the server died has left something running, and may.
        dead.client()
            .exec(&container.name, format!("sleep {background} &"))
            .await;
        let others = tokio::spawn({
            let (api, path) = (api.clone(), container.path("exec"));
            let command = format!("sleep {other} & echo $! >/tmp/other; wait");
            let body = json!({ "command": command, "timeout": 25 });
            async move { api.post(&path, body).await }
        });
        let command = format!(
            "trap '' TERM HUP; setsid sleep {orphan} & (env -i sleep {orphan} &); sleep {orphan}"
        );
        let stream = send(
            &dead,
            &container.path("exec"),
            &json!({ "command": command }),
        );
        let begun = || running(&orphan).len() == 3 && running(&other).len() == 1;
        until("the commands run", begun).await;
        dead.kill();
        drop(stream);
        let next = server();
        until("the orphans are ended", || running(&orphan).is_empty()).await;
        assert_eq!(
            running(&background).len(),
            1,
            "left by a command that had ended"
        );
        assert_eq!(running(&other).len(), 1, "a command of a living server");
        assert_eq!(container.inspect("{{.State.Status}}"), "running");
        assert_eq!(
            next.client().exec(&container.name, "echo on").await["output"],
            "on\n"
        );
        let kill = "kill -9 $(cat /tmp/other)";
        podman(&["exec", &container.name, "sh", "-c", kill]);
        assert_eq!(others.await.expect("an answer").status, 200);
    }
}

/// A Podman service on the store of the tests, to be killed.
pub(crate) struct Engine {
    pub(crate) socket: PathBuf,
    process: Child,
}

impl Engine {
    pub(crate) fn start(socket: PathBuf) -> Self {
        let _ = std::fs::remove_file(&socket);
        let program = std::env::var_os("PODLANE_TEST_PODMAN").expect("an isolated Podman");
        let process = Command::new(program)
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("podman starts");
        Self { socket, process }
    }

    pub(crate) async fn answers(&self, api: &Client) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while api.get("/health").await.status != 200 {
            assert!(Instant::now() < deadline, "the engine does not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) -> PathBuf {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ended");
        std::mem::take(&mut self.socket)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// A command that an agent runs does not need the engine.
#[tokio::test]
async fn an_engine_killed_in_mid_exec_by_an_agent() {
    let folder = PathBuf::from(std::env::var_os("PODLANE_TEST_DIR").expect("an isolated Podman"));
    let engine = Engine::start(folder.join(format!("{}.sock", unique("engine"))));
    let server = server_with(ServerOptions::default().engine(&engine.socket));
    let api = server.client();
    engine.answers(&api).await;
    let container = Container::sleeping(&api, BUSYBOX).await;
    let waiting = tokio::spawn({
        let (api, path) = (api.clone(), container.path("exec"));
        let body = json!({ "command": "touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.05; done; echo end" });
        async move { api.post(&path, body).await }
    });
    until("the command runs", || {
        podman(&["exec", &container.name, "test", "-e", "/tmp/begun"])
            .status
            .success()
    })
    .await;
    let socket = engine.kill();
    let _ = api.get("/health").await.expect(503);
    assert!(
        podman(&["exec", &container.name, "touch", "/tmp/go"])
            .status
            .success()
    );
    let answer = waiting.await.expect("an answer").expect(200);
    assert_eq!(answer.json["execution"]["output"], "end\n");

    let engine = Engine::start(socket);
    engine.answers(&api).await;
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
}

#[tokio::test]
async fn an_engine_killed_in_mid_exec() {
    let folder = PathBuf::from(std::env::var_os("PODLANE_TEST_DIR").expect("an isolated Podman"));
    let engine = Engine::start(folder.join(format!("{}.sock", unique("engine"))));
    let options = ServerOptions::default().engine(&engine.socket);
    let server = server_with(options.env("PODLANE_EXEC_AGENT", "false"));
    let api = server.client();
    engine.answers(&api).await;
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let waiting = tokio::spawn({
        let (api, path) = (api.clone(), container.path("exec"));
        let body = json!({ "command": format!("setsid sleep {nap} & sleep {nap}"), "timeout": 25 });
        async move { api.post(&path, body).await }
    });
    until("the command runs", || running(&nap).len() == 2).await;
    let asked = Instant::now();
    let socket = engine.kill();
    let answer = waiting.await.expect("an answer").expect(503);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(asked.elapsed() < Duration::from_secs(20));
    let _ = api.get("/health").await.expect(503);
    let body = json!({ "command": "true" });
    let _ = api.post(&container.path("exec"), body).await.expect(503);
    let _ = api.get("/metrics").await.expect(200);

    let engine = Engine::start(socket);
    engine.answers(&api).await;
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
    until("what was given up has ended", || running(&nap).is_empty()).await;
    assert_eq!(container.inspect("{{.State.Status}}"), "running");
}

#[tokio::test]
async fn an_engine_killed_in_every_phase_of_a_create() {
    let folder = PathBuf::from(std::env::var_os("PODLANE_TEST_DIR").expect("an isolated Podman"));
    let mut engine = Engine::start(folder.join(format!("{}.sock", unique("engine"))));
    let server = server_with(ServerOptions::default().engine(&engine.socket));
    let api = server.client();
    let prefix = unique("halved");
    let mut answers = Vec::new();
    for turn in 0..6 {
        engine.answers(&api).await;
        let name = format!("{prefix}-{turn}");
        let waiting = tokio::spawn({
            let (api, name) = (api.clone(), name.clone());
            let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
            async move { api.post("/containers", body).await }
        });
        tokio::time::sleep(Duration::from_millis(turn * 25)).await;
        engine = Engine::start(engine.kill());
        let answer = waiting.await.expect("an answer");
        let known = [200, 503, 404].contains(&answer.status.as_u16());
        assert!(known, "{}", answer.text);
        answers.push((name, answer.status == 200));
    }
    engine.answers(&api).await;
    let unstarted = || {
        let name = format!("name={prefix}");
        let arguments = ["ps", "-aq", "--filter", "status=created", "--filter", &name];
        !podman(&arguments).stdout.is_empty()
    };
    until("nothing half-made is left", || !unstarted()).await;
    for (name, made) in answers {
        if made {
            assert_eq!(state(&name).as_deref(), Some("running"), "{name}");
        }
        podman(&["rm", "-f", "-i", "-t", "0", &name]);
    }
}
