//! Tests of the fake through its socket, with a client that knows no more than HTTP.

mod archive;
mod containers;
mod exec;
mod faults;
mod shell;

use super::{FakePodman, FakeVersion, ImageKind};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::UnixStream;

const BOTH: [FakeVersion; 2] = [FakeVersion::V43, FakeVersion::V58];

/// What came back, read to the end or to the error that cut it.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    cut: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The frames of a multiplexed body: stream and text.
    fn frames(&self) -> Vec<(u8, String)> {
        frames(&self.body)
    }
}

fn frames(mut body: &[u8]) -> Vec<(u8, String)> {
    let mut frames = Vec::new();
    while body.len() >= 8 {
        let length = u32::from_be_bytes(body[4..8].try_into().unwrap()) as usize;
        let text = String::from_utf8_lossy(&body[8..8 + length]).into_owned();
        frames.push((body[0], text));
        body = &body[8 + length..];
    }
    frames
}

/// Everything a process wrote to one of its streams.
fn stream(frames: &[(u8, String)], number: u8) -> String {
    let picked = frames.iter().filter(|(stream, _)| *stream == number);
    picked.map(|(_, text)| text.as_str()).collect()
}

async fn fake(version: FakeVersion) -> FakePodman {
    FakePodman::start(version)
        .await
        .image("localhost/bb:1", ImageKind::Busybox)
        .image("localhost/deb:1", ImageKind::Debian)
        .image("localhost/scratch:1", ImageKind::Scratch)
}

/// Sends a request on a connection of its own; an error if no head comes back.
async fn send(
    fake: &FakePodman,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
    headers: &[(&str, &str)],
) -> hyper::Result<http::Response<Incoming>> {
    let stream = UnixStream::connect(fake.socket()).await.expect("a socket");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let mut request = http::Request::builder().method(method);
    request = request
        .uri(format!("/v4.0.0/libpod{path}"))
        .header("host", "d");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    sender.send_request(request).await
}

async fn ask(fake: &FakePodman, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
    let response = send(fake, method, path, body, &[])
        .await
        .expect("an answer");
    let (parts, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(frame) = incoming.frame().await {
        match frame {
            Ok(frame) => body.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => cut = true,
        }
    }
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.into(),
        cut,
    }
}

async fn get(fake: &FakePodman, path: &str) -> Reply {
    ask(fake, "GET", path, "").await
}

async fn post(fake: &FakePodman, path: &str, body: Value) -> Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    ask(fake, "POST", path, body).await
}

/// Creates a container from the busybox image and gives its ID.
async fn create(fake: &FakePodman, name: &str, command: &[&str], more: Value) -> String {
    let mut spec = json!({"name": name, "image": "localhost/bb:1", "command": command});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let reply = post(fake, "/containers/create", spec).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["Id"].as_str().unwrap().to_owned()
}

/// Creates and starts.
async fn run(fake: &FakePodman, name: &str, command: &[&str], more: Value) -> String {
    let id = create(fake, name, command, more).await;
    let reply = post(fake, &format!("/containers/{name}/start"), Value::Null).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    id
}

async fn exec_create(fake: &FakePodman, name: &str, command: &[&str], more: Value) -> String {
    let mut spec = json!({"Cmd": command, "AttachStdout": true, "AttachStderr": true});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let reply = post(fake, &format!("/containers/{name}/exec"), spec).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["Id"].as_str().unwrap().to_owned()
}

/// Runs a command to its end: frames and exit code.
async fn exec(
    fake: &FakePodman,
    name: &str,
    command: &[&str],
    more: Value,
) -> (Vec<(u8, String)>, i64) {
    let id = exec_create(fake, name, command, more).await;
    let reply = post(fake, &format!("/exec/{id}/start"), json!({"Detach": false})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let inspect = get(fake, &format!("/exec/{id}/json")).await.json();
    assert_eq!(inspect["Running"], false);
    (reply.frames(), inspect["ExitCode"].as_i64().unwrap())
}

/// Waits until a condition holds, for a second at most.
async fn soon(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to hold within a second");
}
