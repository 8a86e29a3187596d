//! What was done to a container: start, stop, remove.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Started,
}

/// A container that runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Always `started`.
    pub status: StartedWord,
    /// Whether it did not run before.
    pub changed: bool,
}

/// The status in an answer to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartedWord {
    /// It runs.
    Started,
}

/// The answer to a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoppedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Stopped,
}

/// A container that does not run any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stopped {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Always `stopped`.
    pub status: StoppedWord,
    /// Whether it ran before.
    pub changed: bool,
}

/// The status in an answer to a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoppedWord {
    /// It does not run.
    Stopped,
}

/// The answer to a remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedContainer {
    /// Always true.
    pub success: True,
    /// The container that was.
    pub container: Removed,
}

/// A container that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removed {
    /// The short ID it had: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// The name it had.
    #[schema(example = "my-container")]
    pub name: String,
    /// Always true.
    pub removed: True,
}
