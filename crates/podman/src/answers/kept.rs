//! Volumes, networks and secrets.

use podlane_engine::{Network, Secret, Subnet, Volume};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

type Labels = Option<BTreeMap<String, String>>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeptVolume {
    name: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    labels: Labels,
}

impl From<KeptVolume> for Volume {
    fn from(volume: KeptVolume) -> Self {
        Self {
            name: volume.name,
            driver: volume.driver,
            labels: volume.labels.unwrap_or_default(),
            created: volume.created_at,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeptNetwork {
    name: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    subnets: Option<Vec<KeptSubnet>>,
    #[serde(default)]
    ipv6_enabled: bool,
    #[serde(default)]
    internal: bool,
    #[serde(default)]
    dns_enabled: bool,
    #[serde(default)]
    options: Labels,
    #[serde(default)]
    labels: Labels,
}

/// How netavark writes that a network is isolated; the second also from those that are not.
const ISOLATED: [&str; 2] = ["true", "strict"];

#[derive(Debug, Deserialize)]
struct KeptSubnet {
    subnet: String,
    #[serde(default)]
    gateway: Option<IpAddr>,
}

impl KeptSubnet {
    fn subnet(&self) -> Option<Subnet> {
        let (address, prefix) = self.subnet.split_once('/')?;
        Some(Subnet {
            address: address.parse().ok()?,
            prefix: prefix.parse().ok()?,
            gateway: self.gateway,
        })
    }
}

impl From<KeptNetwork> for Network {
    fn from(network: KeptNetwork) -> Self {
        let subnets = network.subnets.unwrap_or_default();
        let options = network.options.unwrap_or_default();
        let isolate = options.get("isolate");
        Self {
            name: network.name,
            id: network.id,
            driver: network.driver,
            internal: network.internal,
            isolated: isolate.is_some_and(|value| ISOLATED.contains(&value.as_str())),
            ipv6: network.ipv6_enabled,
            dns: network.dns_enabled,
            subnets: subnets.iter().filter_map(KeptSubnet::subnet).collect(),
            labels: network.labels.unwrap_or_default(),
            created: network.created,
        }
    }
}

/// The report of a removal; `error` is an object without a word in some versions.
#[derive(Debug, Deserialize)]
pub(crate) struct RemovedNetwork {
    #[serde(default, rename = "Err")]
    pub(crate) error: serde_json::Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeptSecret {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    created_at: String,
    pub(crate) spec: SecretSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecretSpec {
    pub(crate) name: String,
    /// 4.3 leaves them out of a list.
    #[serde(default)]
    pub(crate) labels: Labels,
}

impl From<KeptSecret> for Secret {
    fn from(secret: KeptSecret) -> Self {
        Self {
            name: secret.spec.name,
            id: secret.id,
            labels: secret.spec.labels.unwrap_or_default(),
            created: secret.created_at,
        }
    }
}
