//! Containers: create, list, inspect, start, stop, remove, logs.

use crate::{
    Capabilities, Command, Environment, Healthcheck, Init, Lifetime, Limits, Membership, OnExpiry,
    PortTarget, PublishedPort, Restart, SecretFile, Settings, Tmpfs, True, UniqueMap, VolumeTarget,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A container to create and start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "image": "alpine:latest",
    "name": "my-container",
    "command": "sleep 300",
    "environment": {"ENV_VAR": "value"},
    "ports": {"8080": "80"},
    "volumes": {"/host/path": "/container/path"},
    "user": "root"
}))]
pub struct CreateContainer {
    /// The image reference.
    pub image: String,
    /// The new container's name: 1 to 128 letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// The command; the image's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Variables on top of the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Container ports by host port: `"8080"`, `"127.0.0.1:8080"` or `"0"` for a free one, to `"80"`,
    /// `80` or `"80/udp"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, PortTarget>>)]
    pub ports: Option<UniqueMap<PortTarget>>,
    /// Container paths by host path or volume name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, VolumeTarget>>)]
    pub volumes: Option<UniqueMap<VolumeTarget>>,
    /// The user: a name or number, and if wanted `:` and a group; the image's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The directory that the command starts in; the image's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: Option<UniqueMap<String>>,
    /// Who is PID 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// False: the engine itself runs all commands in it, and Podlane's agent none. True if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
    /// True: the agent for its own user's commands is started with it, before the first command needs
    /// it. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_agent: Option<bool>,
    /// What to do about an image that is not there; the server's setting if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// The name of a registry that is known, with whose password the image is fetched. The image must be of that
    /// registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The program that takes the command's words as arguments; the image's own if left out. Given, it takes
    /// the image's own command away as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Command>,
    /// The host name; the short ID if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// What it may use at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Whether the engine starts it again when it has ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// Whether its root file system can't be written. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// File systems in memory, by place in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Tmpfs>>)]
    pub tmpfs: Option<UniqueMap<Tmpfs>>,
    /// Capabilities to add to the engine's own set and to take from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// Whether its programs can gain no rights by starting others, as by sudo. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_new_privileges: Option<bool>,
    /// The networks it is in, by name: `{}` for none; the engine's default network if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Membership>>)]
    pub networks: Option<UniqueMap<Membership>>,
    /// Addresses of its name servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Vec<String>>,
    /// Entries for its hosts file: addresses by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub extra_hosts: Option<UniqueMap<String>>,
    /// How the engine finds out whether it is well; the image's own check if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// The signal that asks it to stop: a name or a number; the image's own, else TERM, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Seconds until a stop kills it, at most the server's request time-out; the engine's own, mostly 10, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u64>,
    /// Whether its main process has a terminal. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// Whether its main process's standard input stays open for attachments. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// Secrets of the engine that it sees as files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<SecretFile>>,
    /// Devices of the host: `"/dev/fuse"`, `"/dev/a:/dev/b:rw"`, or a name of the Container Device Interface like
    /// `"nvidia.com/gpu=all"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<String>>,
    /// True: a container of that name is removed first, running or not. False if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<bool>,
    /// The pod that it joins: its name or ID. Its ports, networks, host name, name servers and hosts are the pod's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The seconds after which it expires: 1 to 31536000; never if left out. Not together with a `restart` policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    pub ttl: Option<u64>,
    /// How far that can be extended, in seconds from its creation too; `ttl` if left out. The engine ends it by itself a
    /// little later, also while no server runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<u64>,
    /// The seconds for which nobody may use it: 1 to 31536000. Commands, terminals, attachments, and works on its files and
    /// users are uses, and so is more than a hundredth of a processor that it uses by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u64>,
    /// What becomes of it then; `remove` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_expiry: Option<OnExpiry>,
}

/// What to do about an image that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// Answer 404.
    Never,
    /// Fetch it.
    Missing,
    /// Fetch it even if it is there.
    Always,
}

/// The answer to a create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedContainer {
    /// Always true.
    pub success: True,
    /// The new container.
    pub container: Created,
}

/// What would become of a create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// Always true.
    pub success: True,
    /// Always true: nothing was made.
    pub dry_run: True,
    /// Whether the policy would let it be made.
    pub allowed: bool,
    /// What the policy forbids; where it only warns, that is allowed all the same.
    pub findings: Vec<Finding>,
    /// What the container could use at most.
    pub limits: crate::Limits,
    /// The seconds after which it would expire; left out for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// How far that could be extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<u64>,
    /// The seconds for which nobody might use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u64>,
    /// The capabilities it would lack.
    pub dropped_capabilities: Vec<String>,
    /// Whether its programs could gain no rights by starting others.
    pub no_new_privileges: bool,
    /// Whether the image is there.
    pub image_present: bool,
}

/// Something that the policy forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The name of the rule.
    #[schema(example = "known-images")]
    pub rule: String,
    /// The field of the request.
    #[schema(example = "image")]
    pub field: String,
    /// What was asked for.
    pub value: String,
    /// Why it is forbidden.
    pub reason: String,
    /// What is allowed; `null` where that is anything but `denied`.
    #[schema(required)]
    pub allowed: Option<Vec<String>>,
    /// What is not allowed.
    pub denied: Vec<String>,
}

/// The answer to a create: the container, or with `dry_run` what would become of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum CreateAnswer {
    /// The container runs.
    Created(CreatedContainer),
    /// Nothing was made.
    DryRun(DryRun),
}

/// A container that was created and started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its state when the answer was written.
    #[schema(
        example = "running",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
    /// The image it was created from.
    #[schema(example = "alpine:latest")]
    pub image: String,
    /// Its published ports, with the host ports that were chosen.
    pub ports: Vec<PublishedPort>,
    /// When it expires: UTC, ISO 8601 with microseconds and without a zone. Left out if time alone does not end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T12:00:00.000000")]
    pub expires_at: Option<String>,
    /// What else is known of its end; left out if it lives for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
}

/// The list of containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContainerList {
    /// Always true.
    pub success: True,
    /// Every container, running or not.
    pub containers: Vec<ContainerRow>,
    /// What the next part of the list begins behind; not there at its end, nor without `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContainerRow {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its state: created, running, paused, stopping, exited, removing or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
    /// The image it was created from.
    #[schema(example = "alpine:latest")]
    pub image: String,
    /// When it was created: RFC 3339, as the engine writes it.
    pub created: String,
    /// Its published ports; of one in a pod those of the pod.
    pub ports: Vec<PublishedPort>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The short ID of the pod that it is in; `null` if it is in none.
    #[schema(required)]
    pub pod: Option<String>,
    /// Whether it is the engine's own, there to hold that pod together. Nothing is done with such a one alone.
    pub infra: bool,
    /// When it expires: UTC, ISO 8601 with microseconds and without a zone. Left out if time alone does not end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T12:00:00.000000")]
    pub expires_at: Option<String>,
    /// What else is known of its end; left out if it lives for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
}

/// The answer to an inspect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InspectedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Container,
}

/// A container in full.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Container {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its full ID: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub full_id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its state: created, running, paused, stopping, exited, removing or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
    /// The image it was created from.
    #[schema(example = "alpine:latest")]
    pub image: String,
    /// The ID of that image.
    pub image_id: String,
    /// The argument vector of its main process.
    pub command: Vec<String>,
    /// Its environment, the image's variables included.
    pub environment: BTreeMap<String, String>,
    /// The user its main process runs as; empty for the image's default.
    pub user: String,
    /// The directory its main process starts in.
    pub workdir: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its published ports, with the host ports that were chosen.
    pub ports: Vec<PublishedPort>,
    /// Its mounts.
    pub mounts: Vec<MountPoint>,
    /// Whether the engine's init is its PID 1.
    pub init: bool,
    /// When it was created: RFC 3339, as the engine writes it.
    pub created: String,
    /// When its main process was last started; `null` before the first start.
    #[schema(required)]
    pub started: Option<String>,
    /// When its main process last ended; `null` while it never has.
    #[schema(required)]
    pub finished: Option<String>,
    /// How its main process last ended; `null` while it never has.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// Why its last start failed, if the engine keeps that.
    #[schema(required)]
    pub error: Option<String>,
    /// How it is kept: limits, network and the rest, by the names they have in a create.
    pub settings: Settings,
    /// What its health check says: starting, healthy or unhealthy; `null` if it has none.
    #[schema(required, pattern = "^(starting|healthy|unhealthy)$")]
    pub health: Option<String>,
    /// The short ID of the pod that it is in; `null` if it is in none.
    #[schema(required)]
    pub pod: Option<String>,
    /// Whether it is the engine's own, there to hold that pod together. Nothing is done with such a one alone.
    pub infra: bool,
    /// When it expires: UTC, ISO 8601 with microseconds and without a zone. Left out if time alone does not end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T12:00:00.000000")]
    pub expires_at: Option<String>,
    /// What else is known of its end; left out if it lives for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
}

impl std::fmt::Debug for Container {
    /// Shows neither the environment nor the command: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("status", &self.status)
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

/// A directory or volume seen inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MountPoint {
    /// The host path or the volume's name.
    pub source: String,
    /// The container path.
    pub destination: String,
    /// Whether it can't be written inside.
    pub read_only: bool,
}

/// The answer to a request for logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContainerLogs {
    /// Always true.
    pub success: True,
    /// The container and its logs.
    pub container: Logs,
}

/// What a container's main process has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Logs {
    /// The container's name.
    #[schema(example = "my-container")]
    pub name: String,
    /// The lines, standard output and standard error in the order in which they came. What is written to both
    /// within a moment may change places: they are two streams.
    #[schema(example = "Container log output here...")]
    pub logs: String,
    /// Whether wanted lines were left out because an answer has a size limit.
    pub truncated: bool,
}
