//! Pods.

use crate::{Membership, PortTarget, PublishedPort, True, UniqueMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A pod to be made. What it says of the network holds for all its containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "shop", "ports": { "8080": "80" } }))]
pub struct CreatePod {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
    pub name: String,
    /// Container ports by host port, as of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, PortTarget>>)]
    pub ports: Option<UniqueMap<PortTarget>>,
    /// The host name; its own name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
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
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: Option<UniqueMap<String>>,
}

/// A row of the list of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PodRow {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "shop")]
    pub name: String,
    /// Its state: created, running, degraded (some of it runs), paused, exited or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|degraded|paused|exited|unknown)$"
    )]
    pub status: String,
    /// When it was made: RFC 3339, as the engine writes it.
    pub created: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The networks it is in.
    pub networks: Vec<String>,
    /// The short ID of the engine's own container that holds it together; `null` if there is none.
    #[schema(required)]
    pub infra: Option<String>,
    /// The other containers in it, by name.
    pub containers: Vec<PodMember>,
}

/// A container in a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PodMember {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "shop-web")]
    pub name: String,
    /// Its state: created, running, paused, stopping, exited, removing or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pod {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its full ID: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub full_id: String,
    /// Its name.
    #[schema(example = "shop")]
    pub name: String,
    /// Its state: created, running, degraded (some of it runs), paused, exited or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|degraded|paused|exited|unknown)$"
    )]
    pub status: String,
    /// When it was made: RFC 3339, as the engine writes it.
    pub created: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The networks it is in.
    pub networks: Vec<String>,
    /// Its published ports, with the host ports that were chosen.
    pub ports: Vec<PublishedPort>,
    /// The host name that it was given; `null` if none was.
    #[schema(required)]
    pub hostname: Option<String>,
    /// The name servers that it was given.
    pub dns: Vec<String>,
    /// The entries of its hosts file that it was given.
    pub extra_hosts: BTreeMap<String, String>,
    /// The short ID of the engine's own container that holds it together; `null` if there is none.
    #[schema(required)]
    pub infra: Option<String>,
    /// The other containers in it, by name.
    pub containers: Vec<PodMember>,
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnePod {
    /// Always true.
    pub success: True,
    /// It.
    pub pod: Pod,
}

/// The pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PodList {
    /// Always true.
    pub success: True,
    /// By name.
    pub pods: Vec<PodRow>,
}

/// The answer to a start, stop, restart, kill, pause or unpause of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlteredPod {
    /// Always true.
    pub success: True,
    /// It, as it is now.
    pub pod: Pod,
    /// Whether there was something to do.
    pub changed: bool,
}

/// The answer to the removal of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedPod {
    /// Always true.
    pub success: True,
    /// The short ID it had: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// The name it had.
    #[schema(example = "shop")]
    pub name: String,
    /// Always true.
    pub removed: True,
}
