//! The process, and its calls beside the same calls on Podman's own socket.

use crate::connection::{Address, Result};
use crate::load::{self, Row};
use crate::operation::{ALL, CLIENTS, Operation};
use crate::report::{self, Process};
use crate::server::Server;
use crate::side::{Kind, Side};
use crate::{Setting, events, libpod, machine, say};
use clap::Args;
use std::time::Duration;

/// What of it is wanted.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Another server that keeps the same API: NAME=http://host:port
    #[arg(long)]
    also: Vec<String>,
    /// Only operations whose name begins so
    #[arg(long)]
    only: Option<String>,
}

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<()> {
    let load_before = machine::load_average();
    let mut podman = libpod::Client::new(setting.address(), 0, 0);
    let facts = podman.facts().await?;
    let raw = Side {
        name: "Podman".into(),
        kind: Kind::Libpod {
            address: setting.address(),
            major: machine::major(&facts)?,
        },
    };
    podman.make_target().await?;

    let (server, mut process) = measure_process(setting, options.only.is_none()).await?;
    // What Podman's socket is asked for is an exec of the engine's.
    let mut sides = vec![server.side(Some(false)), raw];
    for also in &options.also {
        sides.push(other(also)?);
    }
    let rows = measure_calls(&sides, options.only.as_deref()).await?;
    let only = options.only.as_deref();
    let mut delays = None;
    if only.is_none_or(|only| "events".starts_with(only)) {
        say("events")?;
        delays = Some(events::measure(setting, &server).await?);
    }
    process.after_load = server.memory()?;
    process.peak = server.peak_memory()?;

    let names: Vec<String> = sides.into_iter().map(|side| side.name).collect();
    let results = format!(
        "{}\n{}\n{}\n{}",
        machine::describe(&facts, &load_before)?,
        report::calls(&names, &rows),
        report::lists(&rows, delays.as_ref()),
        report::process(&process)
    );
    setting.publish("calls", &results)?;
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
        kind: Kind::Api {
            address: Address::Tcp(host.trim_end_matches('/').to_owned()),
            agent: None,
        },
    })
}

async fn measure_process(setting: &Setting, steady: bool) -> Result<(Server, Process)> {
    say("starting it 20 times")?;
    let mut starts = Vec::new();
    for _ in 0..20 {
        starts.push(Server::start(setting, &[]).await?.started_in);
    }
    starts.sort_unstable();
    let server = Server::start(setting, &[]).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = server.memory()?;
    let mut memory = None;
    if steady {
        say("100,000 requests")?;
        let side = server.side(None);
        load::steady(&side, 10_000).await?;
        let before = server.memory()?;
        load::steady(&side, 100_000).await?;
        memory = Some((before, server.memory()?));
    }
    let process = Process {
        binary_bytes: std::fs::metadata(&setting.podlane)?.len(),
        start_p50: starts[9],
        start_worst: starts[19],
        idle,
        steady: memory,
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
            for side in sides.iter().filter(|side| side.is_libpod()) {
                side.provide(containers).await?;
            }
        }
        for side in sides.iter().filter(|side| !side.is_libpod()) {
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
            let what = format!("{name}, {}, {} clients", row.operation.name(), row.clients);
            failed |= cell.complain(&what)? && index < 2;
        }
    }
    if failed {
        return Err("there were errors: the figures are worth nothing".into());
    }
    Ok(())
}
