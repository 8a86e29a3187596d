//! Commands in the background.

use crate::{ExecPath, OutputEncoding, Survivor, True, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"columns": 80, "rows": 24}))]
pub struct TerminalSize {
    /// Characters in a line.
    #[schema(minimum = 1)]
    pub columns: u16,
    /// Lines.
    #[schema(minimum = 1)]
    pub rows: u16,
}

/// A signal to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"signal": "TERM"}))]
pub struct SignalExec {
    /// Its name, with or without `SIG`, or its number from 1 to 64, as a string.
    pub signal: String,
}

/// How a background command is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExecState {
    /// It runs.
    Running,
    /// It has ended; `exit_code` says how.
    Exited,
    /// It was lost sight of, because the server or Podman ended before it; `lost` says why. The server
    /// ends it as soon as it can.
    Lost,
}

/// A command in the background.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exec {
    /// Its ID: 32 hexadecimal digits.
    #[schema(example = "8d2f1c0a9b7e6d5c4b3a29181706f5e4")]
    pub id: String,
    /// The container's ID.
    #[schema(example = "b457159a373a")]
    pub container: String,
    /// The command as a shell would read it, its first kibibyte.
    #[schema(example = "make all")]
    pub command: String,
    /// How it is doing.
    pub state: ExecState,
    /// How it was started.
    pub path: ExecPath,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// UTC, ISO 8601 with microseconds and without a zone.
    #[schema(example = "2025-01-19T15:47:19.123456")]
    pub started_at: String,
    /// The same, for its end.
    pub ended_at: Option<String>,
    /// Its exit code once it has exited; 127 if it was not found, 126 if it could not be run, 128 +
    /// signal if a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it, where that is known.
    pub signal: Option<i32>,
    /// How long it ran, in milliseconds, once it has exited.
    pub duration_ms: Option<u64>,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
    /// Whether it had to be killed at its time limit, because asking it to end was not enough.
    pub killed: bool,
    /// What of it could not be ended; empty otherwise.
    pub survivors: Vec<Survivor>,
    /// What it used, where that is known.
    pub usage: Option<Usage>,
    /// Why it was lost.
    pub lost: Option<String>,
    /// Its output.
    pub output: ExecOutput,
}

impl std::fmt::Debug for Exec {
    /// Shows no command: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exec")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How much a background command has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecOutput {
    /// All it has written, in bytes; also the position that its next output has.
    pub bytes: u64,
    /// The first position that is kept.
    pub from: u64,
    /// How many bytes are not kept any more, or never were.
    pub lost_bytes: u64,
}

/// The answer to an execute in the background, and about one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackgroundExec {
    /// Always true.
    pub success: True,
    /// The command.
    pub exec: Exec,
}

/// Background commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecList {
    /// Always true.
    pub success: True,
    /// The newest first.
    pub execs: Vec<Exec>,
}

/// What there is of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadExecOutput {
    /// Always true.
    pub success: True,
    /// It.
    pub output: ExecOutputPart,
}

/// A part of an output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecOutputPart {
    /// Standard output and standard error in the order in which they came. What is written to both within a
    /// moment may change places: they are two streams.
    pub output: String,
    /// The standard output of it.
    pub stdout: String,
    /// The standard error of it.
    pub stderr: String,
    /// How these are written.
    pub encoding: OutputEncoding,
    /// The position it begins at, as asked for.
    pub from: u64,
    /// The position it ends at: the `from` that goes on.
    pub next: u64,
    /// How many bytes between them are lost.
    pub lost_bytes: u64,
    /// Whether more is there than fits into one answer.
    pub more: bool,
    /// How the command is doing. Not running and no `more`: that was all.
    pub state: ExecState,
}

impl std::fmt::Debug for ExecOutputPart {
    /// Shows nothing of the output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecOutputPart")
            .field("from", &self.from)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// The answer to writing to standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WroteStdin {
    /// Always true.
    pub success: True,
    /// What was done.
    pub stdin: Stdin,
}

/// What was written to standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stdin {
    /// How many bytes.
    pub bytes: u64,
    /// Whether it was closed then.
    pub closed: bool,
}

/// The answer to a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedBackgroundExec {
    /// Always true.
    pub success: True,
    /// What was done.
    pub exec: RemovedExec,
}

/// A background command that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedExec {
    /// Its ID.
    pub id: String,
    /// Always true.
    pub removed: True,
    /// Whether it ran and had to be killed, because asking it to end was not enough.
    pub killed: bool,
    /// What of it could not be ended; empty otherwise.
    pub survivors: Vec<Survivor>,
}
