//! How long a container lives.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of a container whose time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExpiry {
    /// It is removed, running or not.
    Remove,
    /// It is stopped, and stays.
    Stop,
}

/// How a container comes to its end, by time or because nobody uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lifetime {
    /// How far `expires_at` can be extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T20:00:00.000000")]
    pub max_expires_at: Option<String>,
    /// For how many seconds nobody may use it; left out for any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u64>,
    /// When that is over, if nobody uses it from now on; left out by a server that does not keep its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T11:10:00.000000")]
    pub idle_expires_at: Option<String>,
    /// What becomes of it then.
    pub on_expiry: OnExpiry,
}

/// More time for a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendContainer {
    /// The seconds after which it expires, from now on: 1 to 31536000, and not past `lifetime.max_expires_at`. If left out it only
    /// counts as used now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    pub ttl: Option<u64>,
}

/// The answer to an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExtendedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Extended,
}

/// A container that has more time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extended {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// When it expires: UTC, ISO 8601 with microseconds and without a zone. Left out if time alone does not end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-24T12:00:00.000000")]
    pub expires_at: Option<String>,
    /// What else is known of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
}
