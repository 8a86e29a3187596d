//! The load of `bench/run`: the same operations, in alternating blocks, on Podlane, on Podman's own
//! socket and on whoever else keeps Podlane's API; then the tables of bench/README.md.

mod api;
mod connection;
mod libpod;
mod load;
mod machine;
mod operation;
mod report;
mod server;
mod side;

use clap::Parser;
use connection::{Address, Result};
use operation::{ALL, CLIENTS, Operation};
use report::{Process, Row};
use server::Server;
use side::Side;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The image of all containers here; script/load-images brings it.
const IMAGE: &str = "localhost/podlane-busybox:1";
/// The container that the operations are about.
const TARGET: &str = "podlane-bench";
/// Its program: writes 100 lines.
const TARGET_SCRIPT: &str = "i=0; while [ $i -lt 100 ]; do echo \"line $i of a log with lines of a common length, about sixty bytes\"; i=$((i+1)); done; exec sleep 86400";
/// The file that a client writes, but for its number.
const FILE: &str = "/tmp/podlane-bench-";

/// Content of 1 KB.
fn content() -> String {
    "0123456789abcde\n".repeat(64)
}

/// The target's program as a command line.
fn target_command() -> String {
    format!("sh -c '{TARGET_SCRIPT}'")
}

/// Measures Podlane beside Podman's own socket.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program to measure
    #[arg(long)]
    podlane: PathBuf,
    /// Podman's socket
    #[arg(long)]
    socket: PathBuf,
    /// Where the server's log goes
    #[arg(long)]
    log: PathBuf,
    /// The file whose results are replaced
    #[arg(long)]
    out: Option<PathBuf>,
    /// Another server that keeps the same API: NAME=http://host:port
    #[arg(long)]
    also: Vec<String>,
    /// Only operations whose name begins so
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let load_before = machine::load_average();
    let podman = Address::Unix(arguments.socket.clone());
    let facts = libpod::Client::new(podman.clone(), 0, 0).facts().await?;
    let major = facts.0["Version"].as_str().and_then(|version| {
        let (major, _) = version.split_once('.')?;
        major.parse().ok()
    });
    let raw = Side {
        name: "Podman".into(),
        address: podman.clone(),
        libpod: Some(major.ok_or("Podman does not say its version")?),
    };
    libpod::Client::new(podman, 0, 0).make_target().await?;

    let (server, mut process) = measure_process(&arguments).await?;
    let mut sides = vec![server.side.clone(), raw];
    for also in &arguments.also {
        sides.push(other(also)?);
    }
    let rows = measure_calls(&sides, arguments.only.as_deref()).await?;
    process.after_load = server.memory()?;
    process.peak = server.peak_memory()?;

    let names: Vec<String> = sides.into_iter().map(|side| side.name).collect();
    let results = format!(
        "{}\n{}\n{}",
        machine::describe(&facts, &load_before)?,
        report::calls(&names, &rows),
        report::process(&process)
    );
    match &arguments.out {
        Some(path) => report::write(path, &results)?,
        None => writeln!(std::io::stdout(), "{results}")?,
    }
    complain(&names, &rows)
}

fn other(also: &str) -> Result<Side> {
    let (name, url) = also
        .split_once('=')
        .ok_or("--also is NAME=http://host:port")?;
    let host = url
        .strip_prefix("http://")
        .ok_or("--also speaks http:// only")?;
    Ok(Side {
        name: name.to_owned(),
        address: Address::Tcp(host.trim_end_matches('/').to_owned()),
        libpod: None,
    })
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

async fn measure_process(arguments: &Arguments) -> Result<(Server, Process)> {
    let start = || Server::start(&arguments.podlane, &arguments.socket, &arguments.log);
    say("starting it 20 times")?;
    let mut starts = Vec::new();
    for _ in 0..20 {
        starts.push(start().await?.started_in);
    }
    starts.sort_unstable();
    let server = start().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = server.memory()?;
    let mut steady = None;
    if arguments.only.is_none() {
        say("100,000 requests")?;
        load::steady(&server.side, 10_000).await?;
        let before = server.memory()?;
        load::steady(&server.side, 100_000).await?;
        steady = Some((before, server.memory()?));
    }
    let process = Process {
        binary_bytes: std::fs::metadata(&arguments.podlane)?.len(),
        start_p50: starts[9],
        start_worst: starts[19],
        idle,
        steady,
        after_load: 0,
        peak: 0,
    };
    Ok((server, process))
}

async fn measure_calls(sides: &[Side], only: Option<&str>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for operation in ALL {
        if only.is_some_and(|only| !operation.name().starts_with(only)) {
            continue;
        }
        if let Operation::List(containers) = operation {
            // The raw socket first: whoever has the same engine then has nothing left to do.
            for side in sides.iter().filter(|side| side.libpod.is_some()) {
                side.provide(containers).await?;
            }
        }
        for side in sides.iter().filter(|side| side.libpod.is_none()) {
            side.provide(1).await?;
            if let Operation::List(containers) = operation {
                side.provide(containers).await?;
            }
        }
        for clients in CLIENTS {
            say(&format!("{}, {clients} clients", operation.name()))?;
            let cells = load::compare(sides, operation, clients, operation.effort(clients)).await?;
            rows.push(Row {
                operation,
                clients,
                cells,
            });
        }
    }
    Ok(rows)
}

/// An error of Podlane or of Podman makes the whole run fail; of others it is only shown.
fn complain(names: &[String], rows: &[Row]) -> Result<()> {
    let mut failed = false;
    for row in rows {
        for (index, (name, cell)) in names.iter().zip(&row.cells).enumerate() {
            let mut errors = cell.errors();
            if let Some(first) = errors.next() {
                let (more, call) = (errors.count(), row.operation.name());
                let clients = row.clients;
                say(&format!(
                    "{name}, {call}, {clients} clients: {first} (and {more} more)"
                ))?;
                failed |= index < 2;
            }
        }
    }
    if failed {
        return Err("there were errors: the figures are worth nothing".into());
    }
    Ok(())
}
