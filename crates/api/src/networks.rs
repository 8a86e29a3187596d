//! Networks.

use crate::{True, UniqueMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A network to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "lab", "internal": true, "subnets": [{ "subnet": "10.90.1.0/24" }] }))]
pub struct CreateNetwork {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
    pub name: String,
    /// Whether it leads nowhere else: its containers reach each other only. Not if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// Whether other networks that are isolated can't reach it, nor it them. Not if left out; a tenant's always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated: Option<bool>,
    /// Whether it has IPv6 addresses too. Not if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<bool>,
    /// Whether its containers find each other by name. They do if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<bool>,
    /// Its subnets; one of the engine's choice if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<CreateSubnet>>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: Option<UniqueMap<String>>,
}

/// The addresses that a network shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubnet {
    /// In CIDR notation.
    #[schema(example = "10.90.1.0/24")]
    pub subnet: String,
    /// The machine's own address in it; if left out the first one, and none in an internal network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "10.90.1.1")]
    pub gateway: Option<String>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own"
)]
pub struct Network {
    /// Its name.
    #[schema(example = "lab")]
    pub name: String,
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "a5bbfdbf1823")]
    pub id: String,
    /// How the engine makes it.
    #[schema(example = "bridge")]
    pub driver: String,
    /// Whether it leads nowhere else.
    pub internal: bool,
    /// Whether it and other isolated networks can't reach each other.
    pub isolated: bool,
    /// Whether it has IPv6 addresses.
    pub ipv6: bool,
    /// Whether its containers find each other by name.
    pub dns: bool,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made: RFC 3339.
    pub created: String,
}

/// The addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subnet {
    /// In CIDR notation.
    #[schema(example = "10.90.1.0/24")]
    pub subnet: String,
    /// The machine's own address in it; `null` if it has none.
    #[schema(required, example = "10.90.1.1")]
    pub gateway: Option<String>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneNetwork {
    /// Always true.
    pub success: True,
    /// It.
    pub network: Network,
}

/// The networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkList {
    /// Always true.
    pub success: True,
    /// By name.
    pub networks: Vec<Network>,
}

/// A container that shall be in a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "container": "my-container", "ip": "10.90.1.5", "aliases": ["web"] }))]
pub struct Connect {
    /// The container's name or ID.
    pub container: String,
    /// Its address there; one of the engine's choice if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The names that others there find it by, besides its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aliases: Option<Vec<String>>,
}

/// A container that shall not be in a network any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "container": "my-container" }))]
pub struct Disconnect {
    /// The container's name or ID.
    pub container: String,
}

/// The answer to a connection, or to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attached {
    /// Always true.
    pub success: True,
    /// The network's name.
    #[schema(example = "lab")]
    pub network: String,
    /// The container, as it was named.
    #[schema(example = "my-container")]
    pub container: String,
    /// Whether it is in the network now.
    pub connected: bool,
}
