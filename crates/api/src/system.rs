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
    /// What was looked at; only for callers with the scope `system:read` who see everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<HealthCheck>,
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

/// What was looked at for the health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthCheck {
    /// Which: `engine`, `events`, `queue`, `state_dir`, `engine_disk` (left out while the engine is slow to say).
    #[schema(example = "engine")]
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// How it is, for people.
    #[schema(example = "podman 5.4.2 answers")]
    pub detail: String,
}

/// The versions of the server, of Podman and of what it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Always true.
    pub success: True,
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The version of this API.
    #[schema(example = "v1")]
    pub api: String,
    /// Podman and its host.
    pub engine: EngineDescription,
}

/// Podman and its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineDescription {
    /// Always `podman`.
    #[schema(example = "podman")]
    pub name: String,
    /// Its version.
    #[schema(example = "5.4.2")]
    pub version: String,
    /// The version of its own API.
    #[schema(example = "5.4.2")]
    pub api_version: String,
    /// The program that starts containers.
    pub runtime: RuntimeDescription,
    /// The host's control groups.
    pub cgroups: Cgroups,
    /// How images and containers are stored.
    #[schema(example = "overlay")]
    pub storage_driver: String,
    /// What makes networks.
    #[schema(example = "netavark")]
    pub network_backend: String,
    /// Whether Podman runs without the rights of root.
    pub rootless: bool,
    /// The host's operating system.
    #[schema(example = "linux")]
    pub os: String,
    /// The host's architecture.
    #[schema(example = "amd64")]
    pub arch: String,
    /// The host's kernel.
    #[schema(example = "6.12.48+deb13-amd64")]
    pub kernel: String,
}

/// A program that starts containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuntimeDescription {
    /// What it is called.
    #[schema(example = "crun")]
    pub name: String,
    /// Its version.
    #[schema(example = "1.21")]
    pub version: String,
}

/// The host's control groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cgroups {
    /// `v1` or `v2`.
    #[schema(example = "v2")]
    pub version: String,
    /// Who manages them: `systemd` or `cgroupfs`.
    #[schema(example = "systemd")]
    pub manager: String,
    /// Those of their controllers that this Podman may use.
    pub controllers: Vec<String>,
}

/// What can and what can't be done here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapabilityList {
    /// Always true.
    pub success: True,
    /// What depends on Podman's version or on the host.
    pub capabilities: Vec<Capability>,
}

/// Something that can't be done with every Podman or on every host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capability {
    /// What, as a word that stays.
    #[schema(example = "logs.nanoseconds")]
    pub name: String,
    /// What it is, for people.
    #[schema(example = "times in logs to the nanosecond")]
    pub description: String,
    /// Whether it can be done here.
    pub supported: bool,
    /// Why not, or how, for people.
    #[schema(required, example = "this Podman tells whole seconds")]
    pub reason: Option<String>,
    /// The version of Podman from which on it can be done, if that is what decides.
    #[schema(required, example = "5.8")]
    pub since: Option<String>,
}
