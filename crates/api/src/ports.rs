//! Published ports.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The container side of a published port: `80`, `"80"` or `"80/udp"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PortTarget {
    /// A TCP port.
    Number(u64),
    /// A port, and if wanted `/` and its protocol.
    Text(String),
}

impl<'de> Deserialize<'de> for PortTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl Visitor<'_> for TargetVisitor {
    type Value = PortTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container port like 80, \"80\" or \"80/udp\"")
    }

    fn visit_u64<E>(self, port: u64) -> Result<PortTarget, E> {
        Ok(PortTarget::Number(port))
    }

    fn visit_str<E>(self, text: &str) -> Result<PortTarget, E> {
        Ok(PortTarget::Text(text.to_owned()))
    }
}

/// A host port that leads into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedPort {
    /// The host address; `null` for all.
    #[schema(required)]
    pub host_ip: Option<String>,
    /// The host port.
    pub host_port: u16,
    /// The container port.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    #[schema(example = "tcp", pattern = "^(tcp|udp|sctp)$")]
    pub protocol: String,
}
