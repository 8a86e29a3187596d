//! What was removed by its name.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to the removal of a volume, network or secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedByName {
    /// Always true.
    pub success: True,
    /// The name that it had.
    pub name: String,
    /// Always true.
    pub removed: True,
}

/// The answer to a request to remove what nothing uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pruned {
    /// Always true.
    pub success: True,
    /// The names of what was removed.
    pub removed: Vec<String>,
}
