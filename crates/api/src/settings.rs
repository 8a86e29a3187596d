//! How a container is kept: limits, network, file systems, capabilities, health.

use crate::Command;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// A number of bytes: `536870912` or `"512m"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Size {
    /// Bytes.
    Bytes(u64),
    /// Digits, and if wanted `b`, `k`, `m`, `g` or `t`: powers of 1024.
    Text(String),
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes like 536870912 or \"512m\"")
    }

    fn visit_u64<E>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size::Bytes(bytes))
    }

    fn visit_str<E>(self, text: &str) -> Result<Size, E> {
        Ok(Size::Text(text.to_owned()))
    }
}

/// What a container may use at most. In answers, what is left out has no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory: at least 6 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Memory and swap together: at least `memory`, which must be given too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_swap: Option<Size>,
    /// Processors: `0.5` is half of one; 0.01 to 1024, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.5)]
    pub cpus: Option<f64>,
    /// Processes and threads: 1 to 4194304.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// The log that is kept, at least 64 KiB: past that the oldest lines go. Answers don't have it: the engine does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_size: Option<Size>,
    /// Open files of each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nofile: Option<OpenFiles>,
}

/// The limit for open files of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenFiles {
    /// What a process begins with: at least 1.
    pub soft: u64,
    /// What it may raise that to: at least `soft`.
    pub hard: u64,
}

/// Whether the engine starts a container again when it has ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// When.
    pub policy: RestartPolicy,
    /// How often at most; only with `on-failure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// When a container is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Never.
    No,
    /// Always.
    Always,
    /// Always, but not after somebody stopped it.
    UnlessStopped,
    /// After an exit code that is not zero.
    OnFailure,
}

/// A file system in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tmpfs {
    /// What it holds at most; half of the machine's memory if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The mode of its root directory, in octal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1777")]
    pub mode: Option<String>,
}

/// Capabilities of the kernel, with or without `CAP_`; `ALL` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Given besides the engine's own set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["NET_ADMIN"]))]
    pub add: Vec<String>,
    /// Taken from that set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// A container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Its address there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "10.89.0.5")]
    pub ip: Option<String>,
    /// Names that others there find it by, besides its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// How the engine finds out whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Healthcheck {
    /// What is run in it: words as they are, or one line for `sh`. Exit code 0 means that it is well.
    pub command: Command,
    /// Seconds between two checks: at least 1; 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    /// Seconds that one may take: at least 1; 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Seconds after the start in which failures don't count; 0 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<u64>,
    /// How many failures in a row make it unhealthy: at least 1; 3 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// A secret of the engine that a container sees as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// The secret's name.
    pub name: String,
    /// A name below `/run/secrets`, or an absolute path; the secret's name if left out. Answers don't
    /// have it: the engine does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The number of the file's owner; 0 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The number of the file's group; 0 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// The file's mode, in octal; `0444` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// How a container is kept, as an answer tells it. What is left out is not set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the document"
)]
pub struct Settings {
    /// Its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// What it may use at most, the engine's own limits included.
    pub limits: Limits,
    /// Whether the engine starts it again when it has ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// Whether its root file system can't be written.
    pub read_only: bool,
    /// File systems in memory, by place.
    pub tmpfs: BTreeMap<String, Tmpfs>,
    /// What differs from the engine's own set of capabilities.
    pub capabilities: Capabilities,
    /// Whether its programs can gain no rights by starting others.
    pub no_new_privileges: bool,
    /// The networks it is in.
    pub networks: BTreeMap<String, Membership>,
    /// Its name servers, if they were given.
    pub dns: Vec<String>,
    /// Entries of its hosts file that were given: addresses by name.
    pub extra_hosts: BTreeMap<String, String>,
    /// How the engine finds out whether it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// The number of the signal that asks it to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<i32>,
    /// Seconds until a stop kills it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u64>,
    /// Whether its main process has a terminal.
    pub tty: bool,
    /// Whether its main process's standard input stays open.
    pub stdin: bool,
    /// Secrets that it sees as files.
    pub secrets: Vec<SecretFile>,
    /// Devices of the host.
    pub devices: Vec<String>,
}
