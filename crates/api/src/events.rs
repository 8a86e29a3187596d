//! What a stream of a command's output tells, one event after the other.

use crate::{Failure, Survivor, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The way on which a command was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExecPath {
    /// By Podlane's agent in the container, over descriptors handed to it.
    Fd,
    /// By Podlane's agent in the container, over a stream through Podman.
    Stream,
    /// By Podman itself.
    Engine,
}

/// One event of a stream of output. As a server-sent event its name is the event's and its data the
/// other fields as a JSON object; as a line of NDJSON they stand in one object, with the event's `id`.
///
/// The `id` is the number of bytes of output up to the end of the event, whatever the encoding; what
/// comes after all output has the numbers after that. So it only grows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ExecEvent {
    /// The first event.
    Start(ExecStart),
    /// A piece of standard output; with a terminal, of all output.
    Stdout(ExecData),
    /// A piece of standard error.
    Stderr(ExecData),
    /// Output that is not kept any more, where a background command is read.
    Lost(ExecLost),
    /// The command has ended. The last event.
    End(ExecEnd),
    /// Reading failed; whether the command goes on, the message says. The last event.
    Error(Failure),
    /// Nothing has happened for a while. NDJSON only; without an `id`.
    KeepAlive,
}

/// The beginning of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecStart {
    /// How the command was started.
    pub path: ExecPath,
    /// The container's ID.
    #[schema(example = "b457159a373a")]
    pub container: String,
}

/// A piece of output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecData {
    /// As text, cut only between characters; or as Base64, if the request asks for that.
    pub data: String,
}

/// One event of a log that is read as a stream. As a server-sent event its name is the event's and its data
/// the other fields as a JSON object; as a line of NDJSON they stand in one object, with the event's `id`.
///
/// The `id` has the container's ID, a dot and the number of bytes of the log up to the end of the event; reading
/// goes on behind it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LogEvent {
    /// A piece of what was written to standard output; with a pattern, a line; with `timestamps`, a line or a
    /// part of one.
    Stdout(LogData),
    /// The same of standard error.
    Stderr(LogData),
    /// The log has ended. The last event.
    End(LogEnd),
    /// Reading failed. The last event.
    Error(Failure),
    /// Nothing has happened for a while. NDJSON only; without an `id`.
    KeepAlive,
}

/// A piece of a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogData {
    /// When its line was begun: RFC 3339 in UTC, as exactly as Podman knows. Only with `timestamps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T15:54:16.841143123Z")]
    pub at: Option<String>,
    /// Its text, cut only between characters.
    pub data: String,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEnd {
    /// The container's state: created, running, paused, stopping, exited, removing, unknown or removed.
    #[schema(example = "exited")]
    pub status: String,
    /// How its main process has ended; `null` if it has not.
    #[schema(required)]
    pub exit_code: Option<i32>,
}

/// Output that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecLost {
    /// How many bytes: those up to the event's `id`.
    pub bytes: u64,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecEnd {
    /// Its exit code; 127 if it was not found, 126 if it could not be run, 128 + signal if a signal
    /// ended it.
    pub exit_code: i32,
    /// The signal that ended it, where that is known.
    pub signal: Option<i32>,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
    /// Whether it had to be killed (SIGKILL), because asking it to end (SIGTERM) was not enough.
    pub killed: bool,
    /// What of it could not be ended; empty otherwise.
    pub survivors: Vec<Survivor>,
    /// What it used, where that is known.
    pub usage: Option<Usage>,
}

impl std::fmt::Debug for ExecData {
    /// Shows nothing of the output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExecData({} bytes)", self.data.len())
    }
}

impl std::fmt::Debug for LogData {
    /// Shows nothing of the log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogData({} bytes)", self.data.len())
    }
}

impl std::fmt::Debug for ExecEvent {
    /// Shows nothing of the output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Debug for LogEvent {
    /// Shows nothing of the log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogEvent(..)")
    }
}

impl ExecEvent {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Stdout(_) => "stdout",
            Self::Stderr(_) => "stderr",
            Self::Lost(_) => "lost",
            Self::End(_) => "end",
            Self::Error(_) => "error",
            Self::KeepAlive => "keep-alive",
        }
    }
}
