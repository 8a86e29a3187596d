//! The engine under test and what a case needs beside it.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use podlane_engine::{
    Call, Command, ContainerId, ContainerName, ContainerRef, ContainerSpec, Engine, ExecPath,
    ExecSpec, ImageRef, Init, InnerPath, LogPiece, LogQuery, RequestId, Settings, Source,
    StartFailure,
};
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;

/// The images that the engine holds.
#[derive(Debug, Clone)]
pub struct Images {
    /// With a busybox `sh` and no `bash`.
    pub busybox: ImageRef,
    /// With one static program, `/tiny`, and no shell.
    pub scratch: ImageRef,
    /// With the entrypoint `/bin/sh -c` and the command `sleep 1000`.
    pub entrypoint: ImageRef,
    /// With neither entrypoint nor command.
    pub commandless: ImageRef,
}

/// An engine under test.
#[derive(Debug)]
pub struct Subject {
    /// It.
    pub engine: Arc<dyn Engine>,
    /// What can be run on it.
    pub images: Images,
    /// libpod's socket, for what the engine's trait can't do.
    pub socket: PathBuf,
    /// A directory of the engine's host, to be mounted.
    pub directory: PathBuf,
    /// What must live as long as the engine.
    pub keep: Box<dyn Keep>,
    made: Mutex<Vec<ContainerId>>,
    path: ExecPath,
}

/// Anything that is only held.
pub trait Keep: Any + std::fmt::Debug + Send + Sync {}
impl<T: Any + std::fmt::Debug + Send + Sync> Keep for T {}

/// What became of an exec.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: i32,
    pub(super) failure: Option<StartFailure>,
}

/// What a command gets to end when it is asked to.
pub(super) const GRACE: Duration = Duration::from_millis(300);

/// More than enough for any single call.
pub(super) fn call() -> Call {
    let id = RequestId::parse("conformance").expect("a valid ID");
    Call::new(id, Duration::from_secs(120))
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn path(text: &str) -> InnerPath {
    InnerPath::parse(text).expect("a valid path")
}

pub(super) fn reference(text: &str) -> ContainerRef {
    ContainerRef::parse(text).expect("a valid reference")
}

/// An ID that no container has.
pub(super) fn nobody() -> ContainerId {
    ContainerId::parse(&"0123456789abcdef".repeat(4)).expect("a valid ID")
}

/// A command line for the shell.
pub(super) fn shell(script: &str) -> ExecSpec {
    argv(&["sh", "-c", script])
}

pub(super) fn argv(argv: &[&str]) -> ExecSpec {
    ExecSpec {
        command: Command::Argv(words(argv)),
        user: None,
        workdir: None,
        environment: Vec::new(),
        stdin: false,
        open_ended: false,
        terminal: None,
        agent: true,
    }
}

impl Subject {
    /// An engine that serves `socket`.
    pub fn new(
        engine: Arc<dyn Engine>,
        images: Images,
        socket: PathBuf,
        directory: PathBuf,
        keep: Box<dyn Keep>,
    ) -> Self {
        Self {
            engine,
            images,
            socket,
            directory,
            keep,
            made: Mutex::default(),
            path: ExecPath::Engine,
        }
    }

    /// The same, whose commands must take that way.
    #[must_use]
    pub fn executing_by(self, path: ExecPath) -> Self {
        Self { path, ..self }
    }

    /// The way that commands must take.
    pub(super) fn path(&self) -> ExecPath {
        self.path
    }

    /// A container of the busybox image that runs `command`.
    pub(super) fn spec(&self, command: &[&str]) -> ContainerSpec {
        ContainerSpec {
            image: self.images.busybox.clone(),
            name: ContainerName::parse(&crate::unique("conformance")).expect("a valid name"),
            entrypoint: Vec::new(),
            command: words(command),
            environment: BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            user: None,
            workdir: None,
            labels: BTreeMap::new(),
            init: Init::Off,
            agent: true,
            pod: None,
            settings: Settings::default(),
        }
    }

    /// Runs what must run.
    pub(super) async fn run(&self, spec: &ContainerSpec) -> ContainerId {
        let id = self.engine.run(&call(), spec).await.expect("it runs").id;
        self.keep_in_mind(&id);
        id
    }

    /// Runs a container that stays and ends at once when it is told to.
    pub(super) async fn idle(&self) -> ContainerId {
        let mut spec = self.spec(&["sleep", "1000"]);
        spec.init = Init::Preferred;
        self.run(&spec).await
    }

    /// Makes a container and does not start it.
    pub(super) async fn created(&self) -> ContainerId {
        self.created_with(Value::Null).await
    }

    /// The same, with more fields in libpod's words.
    pub(super) async fn created_with(&self, more: Value) -> ContainerId {
        let name = crate::unique("conformance");
        let mut body = serde_json::json!({
            "name": name, "image": self.images.busybox.as_str(), "command": ["sleep", "1000"],
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let (status, answer) = self.libpod("POST", "/containers/create", &body).await;
        assert_eq!(status, 201, "{answer}");
        let id = answer["Id"].as_str().expect("an ID");
        let id = ContainerId::parse(id).expect("a full ID");
        self.keep_in_mind(&id);
        id
    }

    fn keep_in_mind(&self, id: &ContainerId) {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id.clone());
    }

    /// Removes every container that was made.
    ///
    /// # Panics
    /// If one can't be removed.
    pub async fn clear(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for id in made {
            match self.engine.remove(&call(), &id, true).await {
                Ok(()) | Err(podlane_engine::Error::NotFound { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Whether there is a container of that name.
    pub(super) async fn exists(&self, name: &ContainerName) -> bool {
        let list = self.engine.list(&call()).await.expect("a list");
        list.iter().any(|row| row.name == name.as_str())
    }

    /// Runs a command to its end.
    pub(super) async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Ended {
        let mut process = self.engine.exec(&call(), id, spec).await.expect("an exec");
        assert_eq!(process.path(), self.path);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(chunk) = process.next().await.expect("output") {
            match chunk.source {
                Source::Stdout => stdout.extend_from_slice(&chunk.data),
                Source::Stderr => stderr.extend_from_slice(&chunk.data),
            }
        }
        let code = process.wait().await.expect("an exit code").code;
        let failure = process.start_failure().cloned();
        Ended {
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
            code,
            failure,
        }
    }

    /// What a script writes.
    pub(super) async fn output(&self, id: &ContainerId, script: &str) -> String {
        let ended = self.exec(id, &shell(script)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{script}");
        ended.stdout
    }

    /// A log as it comes.
    pub(super) async fn log(&self, id: &ContainerId, tail: Option<u64>) -> Vec<LogPiece> {
        let whole = LogQuery::default();
        self.part_of_log(id, LogQuery { tail, ..whole }).await
    }

    /// A part of a log as it comes.
    pub(super) async fn part_of_log(&self, id: &ContainerId, query: LogQuery) -> Vec<LogPiece> {
        let stream = self.engine.logs(&call(), id, &query).await;
        let pieces: Vec<_> = stream
            .map_err(|error| error.to_string())
            .expect("a log")
            .collect()
            .await;
        pieces
            .into_iter()
            .map(|piece| piece.expect("a piece"))
            .collect()
    }

    /// Waits until a container's main process has ended.
    pub(super) async fn ended(&self, id: &ContainerId) -> podlane_engine::Container {
        for _ in 0..600 {
            let container = self.engine.inspect(&call(), &id.into()).await.expect("it");
            if !container.status.is_live() {
                return container;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{id} does not end");
    }

    /// Asks libpod itself.
    pub(super) async fn libpod(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let stream = UnixStream::connect(&self.socket).await.expect("a socket");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/v4.0.0/libpod{path}"))
            .header("host", "podman")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}
