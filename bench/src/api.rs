//! The operations as a client of the HTTP API does them: one request each, but create + remove.

use crate::connection::{Address, Answer, Connection, Result};
use crate::operation::Operation;
use crate::{FILE, IMAGE, TARGET, content};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// The header that says how a command was run.
const EXEC_PATH: &str = "x-exec-path";
/// A command that ends only if it is ended.
const LONG: &str = "sleep 1000 & sleep 1000";

/// One client of a server that keeps the API's contract.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    number: usize,
    turn: usize,
    /// Whether commands are to be run by an agent, if this server knows agents.
    agent: Option<bool>,
}

impl Client {
    pub(crate) fn new(address: Address, number: usize, agent: Option<bool>) -> Self {
        Self {
            connection: Connection::new(address),
            number,
            turn: 0,
            agent,
        }
    }

    pub(crate) async fn run(&mut self, operation: Operation) -> Result<()> {
        let (answer, word) = match operation {
            Operation::Health => (self.get("/health").await?, "healthy"),
            Operation::List(_) => (self.get("/containers").await?, TARGET),
            Operation::Inspect => (self.get(&format!("/containers/{TARGET}")).await?, TARGET),
            Operation::Logs => {
                let path = format!("/containers/{TARGET}/logs?tail=100");
                (self.get(&path).await?, "line 99")
            }
            Operation::Exec => (self.exec(TARGET, json!("echo hi")).await?, "hi\\n"),
            Operation::Echo => (self.exec(TARGET, json!(["echo", "hi"])).await?, "hi\\n"),
            Operation::File => {
                let path = format!("/containers/{TARGET}/files");
                let file = format!("{FILE}{}", self.number);
                let body = json!({"dest_path": file, "content": content()});
                (self.post(&path, &body).await?, "1024")
            }
            Operation::CreateRemove => {
                self.turn += 1;
                let name = format!("{TARGET}-{}-{}", self.number, self.turn);
                let body = json!({"image": IMAGE, "name": name, "command": "sleep 300"});
                self.post("/containers", &body).await?;
                let path = format!("/containers/{name}?force=true");
                (self.call(Method::DELETE, &path, &Value::Null).await?, "")
            }
        };
        if word.is_empty() || answer.holds(word) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        Err(format!("{word:?} is not in the answer: {text}").into())
    }

    /// Executes a command in a container. It is an error if it was not run in the way that was asked for.
    pub(crate) async fn exec(&mut self, container: &str, command: Value) -> Result<Answer> {
        let path = format!("/containers/{container}/exec");
        let Some(agent) = self.agent else {
            return self.post(&path, &json!({"command": command})).await;
        };
        let body = json!({"command": command, "agent": agent});
        let answer = self.post(&path, &body).await?;
        let wanted = if agent { "fd" } else { "engine" };
        match answer.headers.get(EXEC_PATH) {
            Some(path) if path == wanted => Ok(answer),
            other => Err(format!("{EXEC_PATH} is {other:?} and not {wanted}").into()),
        }
    }

    /// Executes a command that runs for longer than it may, and has a child.
    pub(crate) async fn time_out(&mut self) -> Result<()> {
        let path = format!("/containers/{TARGET}/exec");
        let body = json!({"command": LONG, "timeout": 0.05});
        let answer = self.post(&path, &body).await?;
        if answer.holds("\"timed_out\":true") && answer.holds("\"survivors\":[]") {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        Err(format!("a command outlived its time limit: {text}").into())
    }

    /// Executes such a command and goes away while it runs.
    pub(crate) async fn go_away(&mut self) -> Result<()> {
        let path = format!("/containers/{TARGET}/exec");
        let body = json!({"command": LONG});
        let waited = timeout(Duration::from_millis(50), self.post(&path, &body)).await;
        self.connection.close();
        match waited {
            Err(_elapsed) => Ok(()),
            Ok(answer) => Err(format!("a long command was short: {:?}", answer?).into()),
        }
    }

    /// Makes the containers that [`libpod`](crate::libpod) has made, if this server does not see them:
    /// then its engine is another one.
    pub(crate) async fn provide(&mut self, containers: usize) -> Result<()> {
        let answer = self.get("/containers").await?;
        let listed: Value = serde_json::from_slice(&answer.body)?;
        let listed = listed["containers"].as_array().map_or(0, Vec::len);
        if !answer.holds(TARGET) {
            let body = json!({"image": IMAGE, "name": TARGET, "command": crate::target_command()});
            self.post("/containers", &body).await?;
        }
        for number in listed.max(1)..containers {
            let name = format!("{TARGET}-filler-{number}");
            let body = json!({"image": IMAGE, "name": name, "command": "sleep 1"});
            self.post("/containers", &body).await?;
        }
        Ok(())
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Answer> {
        self.call(Method::POST, path, body).await
    }

    async fn call(&mut self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let body = match body {
            Value::Null => bytes::Bytes::new(),
            body => body.to_string().into(),
        };
        let path = format!("/api/v1{path}");
        let request = self.connection.request(method, &path, body)?;
        self.connection.send(request).await?.successful()
    }
}
