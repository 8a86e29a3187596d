//! Commands in a container, by all ways that there are to run them.

mod first;
mod keystroke;
mod output;
mod table;

use crate::connection::Result;
use crate::load::{self, Cell};
use crate::operation::Operation;
use crate::server::Server;
use crate::side::{Kind, Side};
use crate::soak::{self, Until};
use crate::{Setting, TARGET, libpod, machine, say};
use clap::Args;
use serde_json::Value;
use std::path::Path;

/// What of it is wanted.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run so many commands at the end, and look what they have left behind
    #[arg(long)]
    soak: Option<u64>,
}

/// How many clients ask at once.
const CLIENTS: [usize; 3] = [1, 8, 32];
/// Which of the sides is which.
const AGENT: usize = 0;
const LIBPOD: usize = 2;
const RUNTIME: usize = 4;

/// All sides with so many clients.
struct Row {
    clients: usize,
    cells: Vec<Cell>,
}

/// All that was found out.
struct Found {
    runtime: String,
    sides: Vec<Side>,
    rows: Vec<Row>,
    first: [first::First; 2],
    /// On a terminal: the server's, and Podman's.
    keystroke: [keystroke::Echo; 2],
    /// Bytes of output a second.
    output: f64,
    left: Option<soak::Outcome>,
}

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<()> {
    let load_before = machine::load_average();
    let mut podman = libpod::Client::new(setting.address(), 0, 0);
    let facts = podman.facts().await?;
    let runtime = facts.1["host"]["ociRuntime"]["name"].as_str();
    let runtime = runtime.ok_or("Podman does not say its runtime")?.to_owned();
    podman.start_sleeper(TARGET).await?;
    let container = podman.inspect(TARGET).await?;
    let container: Value = serde_json::from_slice(&container.body)?;
    let id = container["Id"].as_str().ok_or("a container without Id")?;

    let root = state_of(&runtime, id)?;
    let server = Server::start(setting, &["--max-workers", "32"]).await?;
    let raw = Side {
        name: "libpod's REST API".into(),
        kind: Kind::Libpod {
            address: setting.address(),
            major: machine::major(&facts)?,
        },
    };
    let program = |name: &str, words: &[&str]| Side {
        name: name.to_owned(),
        kind: Kind::Program(words.iter().map(|word| (*word).to_owned()).collect()),
    };
    let cli = setting.podman.to_string_lossy();
    let sides = vec![
        Side {
            name: "Podlane, by the agent".into(),
            ..server.side(Some(true))
        },
        Side {
            name: "Podlane, `\"agent\": false`".into(),
            ..server.side(Some(false))
        },
        raw,
        program("`podman exec`", &[&cli, "exec", id, "echo", "hi"]),
        program(
            &format!("`{runtime} exec`"),
            &[&runtime, "--root", &root, "exec", id, "echo", "hi"],
        ),
    ];
    let first = first::measure(&mut podman, &[&sides[AGENT], &sides[LIBPOD]]).await?;
    let mut rows = Vec::new();
    for clients in CLIENTS {
        say(&format!("exec, {runtime}, {clients} clients"))?;
        let effort = Operation::Echo.effort(clients);
        let cells = load::blocks(&sides, Operation::Echo, clients, effort).await?;
        for (side, cell) in sides.iter().zip(&cells) {
            if cell.complain(&format!("{}, {clients} clients", side.name))? {
                return Err("there were errors: the figures are worth nothing".into());
            }
        }
        rows.push(Row { clients, cells });
    }
    say("keystrokes")?;
    let keystroke = keystroke::measure(&server, &mut podman).await?;
    say("output")?;
    let output = output::measure(&server).await?;
    let left = match options.soak {
        Some(execs) => Some(soak::measure(&server, Until::Execs(execs)).await?),
        None => None,
    };
    let found = Found {
        runtime,
        sides,
        rows,
        first,
        keystroke,
        output,
        left,
    };
    let about = machine::describe(&facts, &load_before)?;
    let section = format!("exec, {}", found.runtime);
    setting.publish(&section, &format!("{about}\n{}", table::all(&found)))
}

/// Where the runtime keeps what it knows of a container: in one place for root, in another for a user.
fn state_of(runtime: &str, id: &str) -> Result<String> {
    let user = std::env::var("XDG_RUNTIME_DIR").unwrap_or_default();
    let mut roots = ["/run", &user]
        .map(|dir| format!("{dir}/{runtime}"))
        .into_iter();
    let root = roots.find(|root| Path::new(root).join(id).exists());
    root.ok_or_else(|| format!("{runtime} does not know the container").into())
}
