//! The same operations on Podman's own socket: for each, the calls that Podlane makes for it, in the
//! same order. Whoever changes those in `podlane-podman` or `podlane-service` changes them here too.

use crate::connection::{Address, Answer, Connection, Result};
use crate::operation::Operation;
use crate::{FILE, IMAGE, TARGET, content};
use bytes::Bytes;
use http::Method;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;

const PREFIX: &str = "/v4.0.0/libpod";
/// Podlane's way to hand a command line to the container's best shell.
const SHELL: &str = r#"command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0""#;

/// One client of Podman's socket.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    number: usize,
    turn: usize,
    /// Podman 4 leaks a descriptor for each log read with `tail`: there Podlane reads it whole.
    tail: &'static str,
}

impl Client {
    pub(crate) fn new(address: Address, number: usize, major: u32) -> Self {
        Self {
            connection: Connection::new(address),
            number,
            turn: 0,
            tail: if major < 5 { "" } else { "&tail=100" },
        }
    }

    pub(crate) async fn run(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Health => self.get("/_ping").await?,
            Operation::List(_) => self.get("/containers/json?all=true").await?,
            Operation::Inspect => self.inspect(TARGET).await?,
            Operation::Logs => {
                self.inspect(TARGET).await?;
                let query = format!("stdout=true&stderr=true{}", self.tail);
                self.get(&format!("/containers/{TARGET}/logs?{query}"))
                    .await?
            }
            Operation::Exec => {
                self.inspect(TARGET).await?;
                return self
                    .say_hi(TARGET, json!(["sh", "-c", SHELL, "echo hi"]))
                    .await;
            }
            Operation::Echo => return self.say_hi(TARGET, json!(["echo", "hi"])).await,
            Operation::File => return self.file().await,
            Operation::CreateRemove => return self.create_and_remove().await,
        };
        Ok(())
    }

    /// Executes a command that is to write what `echo hi` writes.
    pub(crate) async fn say_hi(&mut self, container: &str, command: Value) -> Result<()> {
        let said = self.exec(container, json!({"Cmd": command})).await?;
        if said.ends_with(b"hi\n") {
            return Ok(());
        }
        Err(format!("exec said {said:?}").into())
    }

    /// In one call, straight into its place: Podlane makes none, its agent writes the file.
    async fn file(&mut self) -> Result<()> {
        let place = format!("{FILE}{}", self.number);
        let (directory, name) = place.rsplit_once('/').unwrap_or_default();
        let mut tar = tar::Builder::new(Vec::with_capacity(4096));
        let mut header = tar::Header::new_gnu();
        let content = content();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.as_bytes())?;
        let path = format!("{PREFIX}/containers/{TARGET}/archive?path={directory}");
        let body = tar.into_inner()?.into();
        let request = self.connection.request(Method::PUT, &path, body)?;
        self.connection.send(request).await?.successful()?;
        Ok(())
    }

    async fn create_and_remove(&mut self) -> Result<()> {
        self.turn += 1;
        let name = format!("{TARGET}-raw-{}-{}", self.number, self.turn);
        self.get(&format!("/images/{IMAGE}/json")).await?;
        self.create(IMAGE, &name, &["sleep", "300"]).await?;
        self.post(&format!("/containers/{name}/start"), &Value::Null)
            .await?;
        self.inspect(&name).await?;
        self.inspect(&name).await?;
        self.remove(&name).await
    }

    pub(crate) async fn remove(&mut self, name: &str) -> Result<()> {
        let path = format!("/containers/{name}?v=true&force=true&timeout=0");
        self.call(Method::DELETE, &path, &Value::Null).await?;
        Ok(())
    }

    /// Makes and starts a container that only sleeps.
    pub(crate) async fn start_sleeper(&mut self, name: &str) -> Result<()> {
        self.start(IMAGE, name).await
    }

    /// The same of another image.
    pub(crate) async fn start(&mut self, image: &str, name: &str) -> Result<()> {
        self.create(image, name, &["sleep", "86400"]).await?;
        self.post(&format!("/containers/{name}/start"), &Value::Null)
            .await?;
        Ok(())
    }

    async fn create(&mut self, image: &str, name: &str, command: &[&str]) -> Result<()> {
        let labels = json!({"io.podlane.bench": name});
        let body = json!({"name": name, "image": image, "command": command, "env": {}, "labels": labels, "init": true});
        self.post("/containers/create", &body).await?;
        Ok(())
    }

    /// Runs a command and answers the stream that Podman sent: frames of its output.
    async fn exec(&mut self, container: &str, mut body: Value) -> Result<Bytes> {
        body["Env"] = json!(["PODLANE_EXEC=bench"]);
        body["AttachStdout"] = json!(true);
        body["AttachStderr"] = json!(true);
        let (session, mut stream) = self.begin_exec(container, &body, false).await?;
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await?;
        let mut pause = Duration::from_millis(1);
        loop {
            let state = self.get(&format!("/exec/{session}/json")).await?;
            let state: Value = serde_json::from_slice(&state.body)?;
            match (state["Running"].as_bool(), state["ExitCode"].as_i64()) {
                (Some(true), _) => {}
                (_, Some(0)) => return Ok(said.into()),
                (_, code) => return Err(format!("exec ended with {code:?}: {said:?}").into()),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// A terminal on a command.
    pub(crate) async fn terminal(
        &mut self,
        container: &str,
        command: Value,
    ) -> Result<TokioIo<Upgraded>> {
        let body = json!({"Cmd": command, "Tty": true, "AttachStdin": true, "AttachStdout": true, "AttachStderr": true});
        let (_, stream) = self.begin_exec(container, &body, true).await?;
        Ok(stream)
    }

    /// Starts a command; answers its session and the stream that Podman makes of the connection.
    async fn begin_exec(
        &mut self,
        container: &str,
        body: &Value,
        terminal: bool,
    ) -> Result<(String, TokioIo<Upgraded>)> {
        let created = self
            .post(&format!("/containers/{container}/exec"), body)
            .await?;
        let created: Value = serde_json::from_slice(&created.body)?;
        let session = created["Id"]
            .as_str()
            .ok_or("an exec without Id")?
            .to_owned();
        let body = json!({"Detach": false, "Tty": terminal}).to_string().into();
        let path = format!("{PREFIX}/exec/{session}/start");
        let mut start = self.connection.request(Method::POST, &path, body)?;
        let headers = start.headers_mut();
        headers.insert("connection", "Upgrade".parse()?);
        headers.insert("upgrade", "tcp".parse()?);
        let stream = self.connection.upgrade(start).await?;
        Ok((session, stream))
    }

    pub(crate) async fn inspect(&mut self, name: &str) -> Result<Answer> {
        self.get(&format!("/containers/{name}/json")).await
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Answer> {
        self.call(Method::POST, path, body).await
    }

    async fn call(&mut self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let path = format!("{PREFIX}{path}");
        let request = self.connection.request(method, &path, body)?;
        self.connection.send(request).await?.successful()
    }

    /// Makes the one running container that the operations are about, and waits for its log.
    pub(crate) async fn make_target(&mut self) -> Result<()> {
        self.create(IMAGE, TARGET, &["sh", "-c", crate::TARGET_SCRIPT])
            .await?;
        self.post(&format!("/containers/{TARGET}/start"), &Value::Null)
            .await?;
        let path = format!("/containers/{TARGET}/logs?stdout=true&stderr=true");
        for _ in 0..100 {
            if self.get(&path).await?.holds("line 99") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the container does not write its log".into())
    }

    /// Makes more containers, never started, until there are so many.
    pub(crate) async fn fill(&mut self, containers: usize) -> Result<()> {
        let listed = self.get("/containers/json?all=true").await?;
        let listed: Value = serde_json::from_slice(&listed.body)?;
        for number in listed.as_array().map_or(0, Vec::len)..containers {
            self.create(IMAGE, &format!("{TARGET}-filler-{number}"), &["sleep", "1"])
                .await?;
        }
        Ok(())
    }

    /// What is known of the engine: its version, its runtime, its network.
    pub(crate) async fn facts(&mut self) -> Result<(Value, Value)> {
        let version = self.get("/version").await?;
        let info = self.get("/info").await?;
        Ok((
            serde_json::from_slice(&version.body)?,
            serde_json::from_slice(&info.body)?,
        ))
    }
}
