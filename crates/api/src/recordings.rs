//! Recordings of terminals.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingList {
    /// Always true.
    pub success: True,
    /// The newest first.
    pub recordings: Vec<Recording>,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Its name.
    #[schema(example = "019aa3b1c2d4-5f0c9e21")]
    pub id: String,
    /// The container, as it was called then, and the program.
    #[schema(example = "my-container: sh")]
    pub title: String,
    /// When it began, in UTC.
    pub started_at: String,
    /// From its beginning to the last that was written, in milliseconds.
    pub duration_ms: u64,
    /// Its size.
    pub bytes: u64,
}

/// The answer to a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedRecording {
    /// Always true.
    pub success: True,
    /// The name that it had.
    pub id: String,
}
