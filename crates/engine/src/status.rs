//! A container's state.

use crate::{Error, Result};
use std::fmt;

/// The state of a container, by the words of `podman ps` and of the OCI runtime specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Made and never started.
    Created,
    /// Its main process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It was asked to stop and has not yet.
    Stopping,
    /// Its main process has ended.
    Exited,
    /// It is being removed.
    Removing,
    /// The engine does not know.
    Unknown,
}

/// Why little can be done with a container whose processes are frozen.
pub const PAUSED: &str = "the container is paused; unpause it first";

impl Status {
    /// Refuses what takes a main process that runs.
    pub fn must_run(self) -> Result<()> {
        let message = match self {
            Self::Running => return Ok(()),
            Self::Paused => PAUSED,
            _ => "the container is not running; start it first",
        };
        Err(Error::WrongState {
            message: message.into(),
        })
    }

    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
            Self::Removing => "removing",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Created,
            Self::Running,
            Self::Paused,
            Self::Stopping,
            Self::Exited,
            Self::Removing,
            Self::Unknown,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }

    /// Whether there is a live main process (frozen ones included).
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopping)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
