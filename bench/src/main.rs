//! The load of `bench/run` and `bench/soak`: the same operations on Podlane, on Podman's own socket and
//! on whoever else can do them; then the tables of bench/README.md.

mod api;
mod calls;
mod census;
mod connection;
mod events;
mod exec;
mod files;
mod followers;
mod libpod;
mod load;
mod machine;
mod operation;
mod program;
mod report;
mod server;
mod side;
mod soak;

use clap::{Args, Parser, Subcommand};
use connection::{Address, Result};
use std::io::Write as _;
use std::path::PathBuf;

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
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    setting: Setting,
}

/// What there is to measure.
#[derive(Debug, Subcommand)]
enum What {
    /// The process and its calls, beside the same calls on Podman's socket
    Calls(calls::Options),
    /// Commands in a container, by all ways that there are to run them
    Exec(exec::Options),
    /// Files and accounts in containers, beside the other ways to them
    Files,
    /// What followers cost that have nothing to read
    Followers(followers::Options),
    /// Whether commands leave anything behind
    Soak(soak::Options),
}

/// Whom to measure, and where the results go.
#[derive(Debug, Args)]
struct Setting {
    /// The program to measure
    #[arg(long)]
    podlane: PathBuf,
    /// The podman command, which the program starts agents with
    #[arg(long)]
    podman: PathBuf,
    /// Podman's socket
    #[arg(long)]
    socket: PathBuf,
    /// Where the server's log goes
    #[arg(long)]
    log: PathBuf,
    /// The file whose results are replaced; without it they are printed
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Setting {
    fn address(&self) -> Address {
        Address::Unix(self.socket.clone())
    }

    fn publish(&self, section: &str, results: &str) -> Result<()> {
        match &self.out {
            Some(path) => report::write(path, section, results),
            None => Ok(writeln!(std::io::stdout(), "{results}")?),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { what, setting } = Arguments::parse();
    match what {
        What::Calls(options) => calls::run(&setting, &options).await,
        What::Exec(options) => exec::run(&setting, &options).await,
        What::Files => files::run(&setting).await,
        What::Followers(options) => followers::run(&setting, &options).await,
        What::Soak(options) => soak::run(&setting, &options).await,
    }
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}
