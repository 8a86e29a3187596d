//! Commands in the background: they outlive the request that starts them, and their output is kept on
//! disk within bounds, so that nothing is lost while nobody listens.

mod cursor;
mod drive;
mod entry;
mod operations;
mod reader;
mod registry;
mod ring;
mod stdin;
mod store;

pub use entry::{End, How};
pub(crate) use operations::shown;
pub use reader::OutputReader;
pub(crate) use registry::Registry;
pub use stdin::StdinWriter;

use crate::{Error, Result};
use podlane_engine::{ExecPath, Survivor};
use time::OffsetDateTime;

/// The ID of a background command: 32 hexadecimal digits, by chance.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExecId(String);

impl ExecId {
    /// Takes what has the form of an ID.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 32 && digits).then(|| Self(text.to_owned()))
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new() -> Result<Self> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits).map_err(|error| Error::Internal {
            step: "naming a background command",
            reason: error.to_string(),
        })?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits))))
    }
}

impl std::fmt::Display for ExecId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for ExecId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A background command as it is at a moment.
#[derive(Clone)]
pub struct Background {
    /// Its ID.
    pub id: ExecId,
    /// Its container's full ID.
    pub container: String,
    /// The command as it was given, its first kibibyte.
    pub command: String,
    /// The way on which it was started.
    pub path: ExecPath,
    /// When it was started.
    pub started: OffsetDateTime,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// How it ended; `None` while it runs.
    pub end: Option<End>,
    /// How many bytes it has written.
    pub bytes: u64,
    /// The first byte of these that is kept.
    pub from: u64,
    /// How many of these are not kept.
    pub lost: u64,
}

impl std::fmt::Debug for Background {
    /// Shows no command: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Background")
            .field("id", &self.id)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Which background commands are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of that container: its name as it was given at the start, or the beginning of its ID.
    pub container: Option<String>,
    /// In that state.
    pub state: Option<State>,
}

/// What has become of a background command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It has ended.
    Exited,
    /// It was lost sight of.
    Lost,
}

impl Background {
    /// What has become of it.
    pub fn state(&self) -> State {
        match self.end.as_ref().map(|end| &end.how) {
            None => State::Running,
            Some(How::Exited(_)) => State::Exited,
            Some(How::Lost(_)) => State::Lost,
        }
    }
}

/// A background command that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedExec {
    /// Whether it ran, and asking it to end was not enough.
    pub killed: bool,
    /// What of it could not be ended.
    pub survivors: Vec<Survivor>,
}

fn unknown(id: &ExecId) -> Error {
    Error::NoExec { id: id.to_string() }
}
