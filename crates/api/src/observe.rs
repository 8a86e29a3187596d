//! What goes on in containers, and what they hold.

use crate::{Limits, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The processes of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcessList {
    /// Always true.
    pub success: True,
    /// In the kernel's order.
    pub processes: Vec<ContainerProcess>,
}

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContainerProcess {
    /// Its PID inside.
    #[schema(example = 1)]
    pub pid: u32,
    /// Its parent's PID inside; 0 if that is outside.
    pub ppid: u32,
    /// The user that it runs as, by name where the container has one.
    #[schema(example = "root")]
    pub user: String,
    /// Its state by the kernel's letter: R, S, D, Z, T and others.
    #[schema(example = "S")]
    pub state: String,
    /// Processor time in percent of one processor, over its whole life.
    pub cpu_percent: f64,
    /// Processor time that it has used, in seconds.
    pub cpu_seconds: f64,
    /// How long it has been running, in seconds.
    pub elapsed_seconds: f64,
    /// Bytes of memory that it holds.
    #[schema(example = 1_409_024)]
    pub memory_bytes: u64,
    /// Its terminal; `null` if it has none.
    #[schema(required)]
    pub tty: Option<String>,
    /// Its command line.
    #[schema(example = "sleep 300")]
    pub command: String,
}

/// What containers use at a time, in a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// When it was measured, in UTC.
    pub time: String,
    /// By name; empty in the event `end`.
    pub stats: Vec<Stats>,
}

/// What in a container differs from its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeList {
    /// Always true.
    pub success: True,
    /// By path.
    pub changes: Vec<PathChange>,
}

/// A path that is not as it was in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PathChange {
    /// Which.
    #[schema(example = "/etc/hosts")]
    pub path: String,
    /// In what way.
    pub kind: ChangeKind,
}

/// In what way a path differs from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It, or something in it, was changed.
    Modified,
    /// It is not there any more.
    Deleted,
}

/// What one container uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContainerStats {
    /// Always true.
    pub success: True,
    /// What it uses.
    pub stats: Stats,
}

/// What each running container uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatsList {
    /// Always true.
    pub success: True,
    /// By name.
    pub stats: Vec<Stats>,
}

/// What a container uses; nothing if it does not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// The container's short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Processor time in percent of one processor: since it was started, or, in a stream, since the last
    /// measurement.
    pub cpu_percent: f64,
    /// Processor time used since it was started, in seconds.
    pub cpu_seconds: f64,
    /// Bytes of memory used.
    pub memory_bytes: u64,
    /// Bytes of memory that it may use; all of the machine's without a limit of its own.
    pub memory_limit_bytes: u64,
    /// Bytes that came in over its networks.
    pub network_received_bytes: u64,
    /// Bytes that went out over its networks.
    pub network_sent_bytes: u64,
    /// Bytes read from block devices.
    pub block_read_bytes: u64,
    /// Bytes written to block devices.
    pub block_written_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// What shall be different about a running container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "limits": { "memory": "512m", "pids": 200 } }))]
pub struct UpdateContainer {
    /// What it may use at most: those that are given, of memory, `memory_swap`, `cpus` and `pids`.
    pub limits: Limits,
}
