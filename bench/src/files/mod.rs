//! Files and accounts in containers, beside libpod's archives, `podman cp` and `useradd`.

mod large;
mod small;
mod table;
mod users;

use crate::connection::{Address, Connection, Result};
use crate::server::Server;
use crate::{Setting, libpod, machine, program, say};
use bytes::Bytes;
use http::Method;
use std::path::Path;
use std::time::{Duration, Instant};

/// The image with shadow-utils.
const DEBIAN: &str = "localhost/podlane-debian:1";
const DEBIAN_TARGET: &str = "podlane-bench-debian";

/// How long each of some calls took, sorted.
#[derive(Debug)]
struct Times(Vec<Duration>);

impl Times {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    fn p50(&self) -> Duration {
        self.0[self.0.len() / 2]
    }
}

/// Something that was measured on several sides: who, and how long it took.
#[derive(Debug)]
struct Row {
    what: &'static str,
    sides: Vec<(String, Duration)>,
}

/// What has a goal.
#[derive(Debug)]
struct Goal {
    what: &'static str,
    measured: String,
    pass: bool,
}

/// All that was found out.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Row>,
    goals: Vec<Goal>,
}

/// What everything is measured with.
struct Rig {
    server: Server,
    podman: libpod::Client,
    address: Address,
    /// The podman command.
    cli: String,
}

impl Rig {
    fn ours(&self) -> Connection {
        Connection::new(self.server.address.clone())
    }

    fn libpods(&self) -> Connection {
        Connection::new(self.address.clone())
    }
}

pub(crate) async fn run(setting: &Setting) -> Result<()> {
    let load_before = machine::load_average();
    let mut podman = libpod::Client::new(setting.address(), 0, 0);
    let facts = podman.facts().await?;
    podman.start_sleeper(crate::TARGET).await?;
    podman.start(DEBIAN, DEBIAN_TARGET).await?;
    let mut rig = Rig {
        server: Server::start(setting, &["--max-workers", "32"]).await?,
        podman,
        address: setting.address(),
        cli: setting.podman.to_string_lossy().into_owned(),
    };
    let mut found = Found::default();
    say("small files")?;
    small::measure(&rig, &mut found).await?;
    say("accounts")?;
    users::measure(&mut rig, &mut found).await?;
    // Last: the disk is busy with them for a while.
    say("large files")?;
    large::measure(&rig, &mut found).await?;
    let about = machine::describe(&facts, &load_before)?;
    setting.publish("files", &format!("{about}\n{}", table::all(&found)))
}

/// Sends a request, which must succeed; how long that took.
async fn send(
    connection: &mut Connection,
    method: Method,
    path: &str,
    content_type: &'static str,
    body: Bytes,
) -> Result<Duration> {
    let mut request = connection.request(method, path, body)?;
    let content_type = http::HeaderValue::from_static(content_type);
    request
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, content_type);
    let began = Instant::now();
    connection.send(request).await?.successful()?;
    Ok(began.elapsed())
}

/// Runs a line of the shell's in the target, which must succeed; how long that took.
async fn shell(connection: &mut Connection, line: &str) -> Result<Duration> {
    let path = format!("/api/v1/containers/{}/exec", crate::TARGET);
    let body = serde_json::json!({"command": line}).to_string();
    let request = connection.request(Method::POST, &path, body.into())?;
    let began = Instant::now();
    let answer = connection.send(request).await?.successful()?;
    let took = began.elapsed();
    if answer.holds("\"exit_code\":0,") {
        Ok(took)
    } else {
        Err(format!("{line}: {}", String::from_utf8_lossy(&answer.body)).into())
    }
}

/// An uncompressed archive of regular files that all have the same content.
fn archive(names: impl Iterator<Item = String>, content: &[u8]) -> Result<Bytes> {
    let mut tar = tar::Builder::new(Vec::new());
    for name in names {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, Path::new(&name), content)?;
    }
    Ok(tar.into_inner()?.into())
}

/// Runs a program, which must succeed; how long that took.
async fn timed(argv: &[&str]) -> Result<Duration> {
    let began = Instant::now();
    program::run(argv).await?;
    Ok(began.elapsed())
}
