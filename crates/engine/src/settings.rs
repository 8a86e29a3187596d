//! How a container shall be kept: limits, network, file systems, capabilities, health, end.
//!
//! The same nouns say what a new container shall have and what an engine tells of one that exists.

use crate::{Command, InnerPath, Signal};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// How a container is kept. What is left out is the engine's or the image's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct Settings {
    /// Its host name.
    pub hostname: Option<String>,
    /// What it may use at most.
    pub limits: Limits,
    /// Whether the engine starts it again when it has ended.
    pub restart: Option<Restart>,
    /// Whether its root file system can't be written.
    pub read_only: bool,
    /// File systems in memory, by place.
    pub tmpfs: BTreeMap<InnerPath, Tmpfs>,
    /// Capabilities it has besides the engine's own set: `CAP_…`, or `ALL`.
    pub added_capabilities: Vec<String>,
    /// Capabilities taken from that set.
    pub dropped_capabilities: Vec<String>,
    /// Whether its programs can gain no rights by starting others, as by sudo.
    pub no_new_privileges: bool,
    /// The networks it is in, by name: none if empty, the engine's own choice if `None`.
    pub networks: Option<BTreeMap<String, Membership>>,
    /// Its name servers.
    pub dns: Vec<IpAddr>,
    /// Entries of its hosts file.
    pub hosts: BTreeMap<String, IpAddr>,
    /// How the engine finds out whether it is well.
    pub healthcheck: Option<Healthcheck>,
    /// The signal that asks it to stop.
    pub stop_signal: Option<Signal>,
    /// How long it may take to stop before it is killed.
    pub stop_timeout: Option<Duration>,
    /// How long after each start the engine ends it by itself, in whole seconds.
    pub lifespan: Option<Duration>,
    /// Whether its main process has a terminal.
    pub tty: bool,
    /// Whether its main process's standard input stays open for attachments.
    pub stdin: bool,
    /// Secrets of the engine that it sees as files.
    pub secrets: Vec<SecretFile>,
    /// Devices of the host: a path, `host:inside:rwm`, or a name of the Container Device Interface.
    pub devices: Vec<String>,
}

/// What a container may use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of memory and swap together.
    pub memory_swap: Option<u64>,
    /// Processor time, in thousandths of a processor.
    pub milli_cpus: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes of the log that are kept; the oldest go. Engines do not tell it.
    pub log_bytes: Option<u64>,
    /// Open files of each process.
    pub open_files: Option<OpenFiles>,
}

/// The limit for open files of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// What a process begins with.
    pub soft: u64,
    /// What it may raise that to.
    pub hard: u64,
}

/// Whether the engine starts a container again when it has ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// Always.
    Always,
    /// Always, but not after somebody stopped it.
    UnlessStopped,
    /// After an exit code that is not zero, at most so often.
    OnFailure(Option<u32>),
}

/// A file system in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tmpfs {
    /// What it holds at most, in bytes; half of the memory if `None`.
    pub size: Option<u64>,
    /// The mode of its root directory.
    pub mode: Option<u32>,
}

/// A container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Its address there.
    pub ip: Option<IpAddr>,
    /// The names that others there find it by, besides its own.
    pub aliases: Vec<String>,
}

/// How the engine finds out whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// What is run in it; exit code 0 means that it is well.
    pub command: Command,
    /// The time between two checks.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// How long after the start failures don't count.
    pub start_period: Duration,
    /// How many failures in a row make it unhealthy.
    pub retries: u32,
}

/// A secret of the engine that a container sees as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The secret's name.
    pub name: String,
    /// A name below `/run/secrets`, or an absolute path; `None` where an engine does not tell.
    pub file: Option<String>,
    /// The file's owner.
    pub uid: u32,
    /// The file's group.
    pub gid: u32,
    /// The file's mode.
    pub mode: u32,
}
