//! What followers cost that have nothing to read: of one container's log, of stats and of events.

use crate::connection::{Address, Result};
use crate::server::Server;
use crate::{Setting, TARGET, libpod, machine, say};
use clap::Args;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many there are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Followers of each kind
    #[arg(long, default_value_t = 1000)]
    count: u64,
}

/// What one follower may cost, in kilobytes.
const GOAL: f64 = 64.0;
/// What is followed, and what of it that is not idle: stats come every second.
const KINDS: [(&str, &str); 3] = [
    (
        "a silent container's log",
        "/api/v1/containers/podlane-bench/logs?follow=true",
    ),
    ("events", "/api/v1/events"),
    ("stats of all containers", "/api/v1/stats"),
];

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<()> {
    let mut podman = libpod::Client::new(setting.address(), 0, 0);
    let facts = podman.facts().await?;
    let load = machine::load_average();
    podman.start_sleeper(TARGET).await?;
    let many = (options.count + 100).to_string();
    let limits = [
        ("PODLANE_LIMITS_STREAMS", many.as_str()),
        ("PODLANE_LIMITS_CONNECTIONS", many.as_str()),
    ];
    let mut table = String::from(
        "| followers, idle | KB each | goal | connections to Podman for all |\n|---|--:|---|--:|\n",
    );
    for (what, path) in KINDS {
        say(&format!("{} followers of {what}", options.count))?;
        let server = Server::start_with(setting, &[], &limits).await?;
        // The buffers of whoever asks first are the server's own.
        drop(follow(&server.address, path).await?);
        settle().await;
        let (memory, connections) = (server.memory()?, engine_connections(setting)?);
        let mut followers = Vec::new();
        for _ in 0..options.count {
            followers.push(follow(&server.address, path).await?);
        }
        settle().await;
        let grown = server.memory()?.saturating_sub(memory);
        let more = engine_connections(setting)?.saturating_sub(connections);
        #[allow(clippy::cast_precision_loss, reason = "kilobytes and thousands")]
        let each = grown as f64 / options.count as f64;
        let _ = writeln!(
            table,
            "| {} of {what} | {each:.1} | {} | {more} |",
            options.count,
            if each < GOAL { "pass" } else { "**miss**" },
        );
        drop(followers);
    }
    setting.publish(
        "followers",
        &format!("{}\n{table}", machine::describe(&facts, &load)?),
    )
}

/// A follower that has been answered.
async fn follow(address: &Address, path: &str) -> Result<TcpStream> {
    let Address::Tcp(host) = address else {
        return Err("the server listens on TCP".into());
    };
    let mut stream = TcpStream::connect(host).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 1024];
    let length = stream.read(&mut head).await?;
    let head = String::from_utf8_lossy(&head[..length]);
    if head.starts_with("HTTP/1.1 200") {
        Ok(stream)
    } else {
        Err(format!("a follower is not served: {head}").into())
    }
}

/// How many connections Podman's service holds.
fn engine_connections(setting: &Setting) -> Result<usize> {
    let table = fs::read_to_string("/proc/net/unix")?;
    let socket = setting.socket.display().to_string();
    // The fifth field is the state: 03 is connected.
    let open = table.lines().filter(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(5) == Some(&"03") && fields.last() == Some(&socket.as_str())
    });
    Ok(open.count())
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(4)).await;
}
