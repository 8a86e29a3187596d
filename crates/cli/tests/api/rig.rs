//! The real server on an engine that can be made to fail.

use podlane_testkit::fake::{FakePodman, FakeVersion, ImageKind};
use podlane_testkit::{Answer, BUSYBOX, Client, Server, ServerOptions, unique};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What takes longer than this never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Rig {
    pub(crate) fake: FakePodman,
    pub(crate) server: Server,
    pub(crate) api: Client,
}

/// One call of each route of the API that asks the engine.
pub(crate) const CALLS: [&str; 10] = [
    "list", "create", "inspect", "logs", "exec", "users", "files", "start", "stop", "remove",
];

impl Rig {
    pub(crate) async fn new(options: ServerOptions) -> Self {
        Self::of(FakeVersion::V43, env!("CARGO_BIN_EXE_podlane"), options).await
    }

    pub(crate) async fn of(version: FakeVersion, binary: &str, options: ServerOptions) -> Self {
        let fake = FakePodman::start(version).await;
        let fake = fake.image(BUSYBOX, ImageKind::Busybox);
        // No container is there for an agent to be started in.
        let options = options
            .engine(fake.socket())
            .env("PODLANE_EXEC_AGENT", "false");
        let server = Server::start(binary, &options);
        let api = server.client();
        let rig = Self { fake, server, api };
        rig.until("the start is over", async || {
            rig.api.get("/health").await.status == 200
        })
        .await;
        rig
    }

    /// A container that runs.
    pub(crate) async fn container(&self) -> String {
        let name = unique("rig");
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000" });
        let _created = self.api.post("/containers", body).await.expect(200);
        name
    }

    /// Makes one of the [`CALLS`].
    pub(crate) async fn call(&self, what: &str, name: &str) -> Answer {
        let at = |action: &str| format!("/containers/{name}{action}");
        let api = &self.api;
        match what {
            "list" => api.get("/containers").await,
            "create" => {
                let body =
                    json!({ "image": BUSYBOX, "name": unique("made"), "command": "sleep 1000" });
                api.post("/containers", body).await
            }
            "inspect" => api.get(&at("")).await,
            "logs" => api.get(&at("/logs")).await,
            "exec" => {
                api.post(&at("/exec"), json!({ "command": "echo done" }))
                    .await
            }
            "users" => {
                let user = unique("user");
                api.post(&at("/users"), json!({ "username": user })).await
            }
            "files" => {
                let body = json!({ "dest_path": "/tmp/file", "content": "text" });
                api.post(&at("/files"), body).await
            }
            "start" => api.act(&at("/start")).await,
            "stop" => api.act(&at("/stop")).await,
            "remove" => api.delete(&at("?force=true")).await,
            other => panic!("no call {other}"),
        }
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !holds().await {
            assert!(
                began.elapsed() < PATIENCE,
                "never: {what}\n{}",
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no worker is busy, and looks for panics. Then everything works as on the first day.
    pub(crate) async fn is_well(&self) {
        self.until("all workers are free", async || self.busy().await == 0)
            .await;
        let log = self.server.log();
        assert!(!log.contains("panic"), "{log}");
        let name = self.container().await;
        for what in CALLS {
            let _works = self.call(what, &name).await.expect(200);
        }
    }

    /// Waits until the engine is asked no more: what was given up is ended in the background.
    pub(crate) async fn is_quiet(&self) {
        self.until("the engine is left alone", async || {
            let before = self.fake.requests().len();
            tokio::time::sleep(Duration::from_millis(150)).await;
            self.fake.requests().len() == before
        })
        .await;
    }

    pub(crate) async fn busy(&self) -> u64 {
        let metrics = self.api.get("/metrics").await.expect(200).json;
        metrics["active_threads"].as_u64().expect("a number")
    }

    /// A number of the server's process, in KiB: `VmRSS`, or its highest, `VmHWM`.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let path = format!("/proc/{}/status", self.server.pid());
        let status = std::fs::read_to_string(path).expect("a running server");
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|number| number.parse().ok())
            .expect("a number of KiB")
    }

    /// GET of a path that is not below `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let mut request = self.api.request(http::Method::GET, "", None);
        let uri = format!("{}{path}", self.api.base());
        *request.uri_mut() = uri.parse().expect("a URI");
        self.api.send(request).await
    }
}

/// A status that says that the engine failed, and no more of the engine's words than that.
pub(crate) fn assert_engine_failed(answer: &Answer, what: &str) {
    let status = answer.status.as_u16();
    assert!(
        [500, 502, 503].contains(&status),
        "{what}: {status} {}",
        answer.text
    );
    let shown = ["<html", "sock", "frame", "EOF"];
    assert!(
        !shown.iter().any(|word| answer.text.contains(word)),
        "{what}: {}",
        answer.text
    );
    assert_eq!(answer.json["success"], Value::Bool(false));
}
