//! Mounts.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Where a host path or a volume is seen in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum VolumeTarget {
    /// A container path, and if wanted `:ro` or `:rw`.
    Path(String),
    /// The same in two fields.
    Bind(Bind),
}

/// A container path and how it can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// The container path.
    #[schema(example = "/container/path")]
    pub bind: String,
    /// `rw` (the default) or `ro`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ro")]
    pub mode: Option<String>,
}

impl<'de> Deserialize<'de> for VolumeTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = VolumeTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container path or {\"bind\": path, \"mode\": \"ro\"}")
    }

    fn visit_str<E>(self, path: &str) -> Result<VolumeTarget, E> {
        Ok(VolumeTarget::Path(path.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<VolumeTarget, A::Error> {
        Bind::deserialize(MapAccessDeserializer::new(fields)).map(VolumeTarget::Bind)
    }
}
