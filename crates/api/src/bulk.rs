//! One verb for many containers.

use crate::{ErrorDetail, True, UniqueMap};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What shall be done to which containers. One of `names` and `labels` is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "action": "stop", "labels": { "course": "net-101" }, "timeout": 2 }))]
pub struct Bulk {
    /// What is done.
    pub action: BulkAction,
    /// Names or IDs, up to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Labels that a container must have, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: Option<UniqueMap<String>>,
    /// Of `stop` and `restart`: the seconds before a container is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Of `kill`: a signal's name or number; `KILL` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Of `remove`: whether running ones are killed and removed. Not if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

/// What is done to many containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Start what does not run.
    Start,
    /// Stop what runs.
    Stop,
    /// Stop what runs, and start it.
    Restart,
    /// Send a signal.
    Kill,
    /// Freeze.
    Pause,
    /// Let go on.
    Unpause,
    /// Remove.
    Remove,
}

/// What became of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkReport {
    /// Always true: the request was carried out, for what it came to see the rows.
    pub success: True,
    /// For how many it was done, or was so already.
    pub done: usize,
    /// For how many it could not be done.
    pub failed: usize,
    /// In the order of `names`, or by name.
    pub results: Vec<BulkResult>,
}

/// What became of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// The container, as it was named or is called.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its short ID; `null` if it was not found.
    #[schema(required, example = "abc123def456")]
    pub id: Option<String>,
    /// Whether there was something to do.
    pub changed: bool,
    /// Why it could not be done; `null` if it was.
    #[schema(required)]
    pub error: Option<ErrorDetail>,
}
