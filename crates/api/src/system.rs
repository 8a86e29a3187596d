//! The server itself: health, metrics, probes.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The server is well and reaches Podman.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `healthy`.
    pub status: Healthy,
    /// Always `connected`.
    pub podman: Connected,
    /// Podman's version.
    #[schema(example = "5.4.2")]
    pub podman_version: String,
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// UTC, ISO 8601 with microseconds and without a zone.
    #[schema(example = "2025-01-19T15:47:19.123456")]
    pub timestamp: String,
}

/// The word for a server that is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Healthy {
    /// It is well.
    Healthy,
}

/// The word for a server that can do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnhealthyWord {
    /// It does not reach Podman.
    Unhealthy,
}

/// The word for a Podman that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connected {
    /// It answers.
    Connected,
}

/// The word for a Podman that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disconnected {
    /// It does not answer.
    Disconnected,
}

/// What lies on Podman's disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskUsage {
    /// Always true.
    pub success: True,
    /// Images; what they share counts once for each.
    pub images: DiskShare,
    /// What containers have written into their own file systems.
    pub containers: DiskShare,
    /// Volumes.
    pub volumes: DiskShare,
}

/// What a kind of thing takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskShare {
    /// How many there are.
    #[schema(example = 12)]
    pub count: u64,
    /// How many of them something uses: a container its image and volumes, itself if it runs.
    #[schema(example = 7)]
    pub active: u64,
    /// Bytes of all of them.
    pub size_bytes: u64,
    /// Bytes of those that nothing uses.
    pub reclaimable_bytes: u64,
}

/// The server's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// Whole seconds since the server started.
    #[schema(example = 3600)]
    pub uptime_seconds: u64,
    /// The same as `days, hours:minutes:seconds`.
    #[schema(example = "1:00:00")]
    pub uptime_human: String,
    /// Operations under way in the engine.
    #[schema(example = 2)]
    pub active_threads: u64,
    /// How many may be under way at once.
    #[schema(example = 10)]
    pub max_workers: u64,
    /// Operations waiting for a worker.
    #[schema(example = 0)]
    pub queued: u64,
    /// How many may wait.
    #[schema(example = 100)]
    pub max_queued: u64,
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// UTC, ISO 8601 with microseconds and without a zone.
    #[schema(example = "2025-01-19T15:47:19.123456")]
    pub timestamp: String,
}

/// The server's process answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// Always `alive`.
    pub status: LiveWord,
}

/// The word for a process that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiveWord {
    /// It answers.
    Alive,
}

/// The server can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Always `ready`.
    pub status: ReadyWord,
}

/// The word for a server that can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadyWord {
    /// It can.
    Ready,
}
