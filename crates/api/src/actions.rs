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

/// The answer to a restart, kill, pause, unpause or rename.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Changed,
}

/// A container that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name now.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its state now: created, running, paused, stopping, exited, removing or unknown.
    #[schema(
        example = "running",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
    /// Whether there was something to do.
    pub changed: bool,
}

/// The answer to a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitedContainer {
    /// Always true.
    pub success: True,
    /// The container.
    pub container: Waited,
}

/// A container that was waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waited {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "abc123def456", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its state; the last one that was seen, if it is gone.
    #[schema(
        example = "exited",
        pattern = "^(created|running|paused|stopping|exited|removing|unknown)$"
    )]
    pub status: String,
    /// What its health check says: starting, healthy or unhealthy; `null` if it has none.
    #[schema(required, pattern = "^(starting|healthy|unhealthy)$")]
    pub health: Option<String>,
    /// How its main process last ended; `null` while it never has, or runs again.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// Whether what was waited for has come. If not, the time was up.
    pub met: bool,
}
