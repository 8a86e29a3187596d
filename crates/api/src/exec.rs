//! Commands executed in a running container.

use crate::{Command, Environment, Hidden, TerminalSize, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A command to execute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"command": "ls -la /tmp", "user": "root"}))]
pub struct ExecCommand {
    /// A string is read by the container's shell; an array is the argument vector, for no shell.
    pub command: Command,
    /// The user; the container's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The directory to start in; the container's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Variables on top of the container's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// What its standard input holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stdin: Option<Hidden>,
    /// Seconds after which it is ended: at most the server's request time-out, for a stream or in the
    /// background at most a day. Without it such a command may run for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0)]
    pub timeout: Option<f64>,
    /// False: the engine itself runs it, not Podlane's agent in the container. Slower; for a command
    /// that must not share anything with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
    /// How the output is written in the answer; `text` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<OutputEncoding>,
    /// True: it runs in the background, and the answer is 201 with its ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detach: Option<bool>,
    /// A terminal for it; then all output is standard output. Only in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Whether its standard input stays open for later writes. Only in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_open: Option<bool>,
}

/// How the bytes of an output are written as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputEncoding {
    /// As text; what is not UTF-8 becomes U+FFFD.
    #[default]
    Text,
    /// Whole, as Base64.
    Base64,
}

/// The answer to an execute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutedCommand {
    /// Always true: the command was run. Whether it succeeded, `execution.success` says.
    pub success: True,
    /// What became of it.
    pub execution: Execution,
}

/// What became of a command.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Execution {
    /// Its exit code; 127 if it was not found, 126 if it could not be run, 128 + signal if a signal
    /// ended it.
    #[schema(example = 0)]
    pub exit_code: i32,
    /// Standard output and standard error in the order in which they came. What is written to both within a
    /// moment may change places: they are two streams.
    #[schema(example = "total 4\ndrwxrwxrwt 2 root root 4096 Jan 1 00:00 .\n")]
    pub output: String,
    /// Whether the exit code is 0.
    #[schema(example = true)]
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
    /// Whether it had to be killed (SIGKILL), because asking it to end (SIGTERM) was not enough.
    pub killed: bool,
    /// What of it could not be ended; empty otherwise.
    pub survivors: Vec<Survivor>,
    /// The signal that ended it, where that is known.
    pub signal: Option<i32>,
    /// What it used, where that is known.
    pub usage: Option<Usage>,
    /// Whether it wrote more than is kept.
    pub truncated: bool,
    /// How `output`, `stdout` and `stderr` are written.
    pub encoding: OutputEncoding,
}

/// A process that could not be ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Survivor {
    /// Its process ID.
    pub pid: i32,
    /// The name of its program.
    pub name: String,
    /// Whether it has been killed in a paused container: it ends when that is unpaused.
    pub paused: bool,
}

/// What a command used, its children that it waited for included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Processor time outside the kernel, in microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_us: u64,
    /// The largest resident memory of one process, in bytes.
    pub max_rss_bytes: u64,
}

impl std::fmt::Debug for Execution {
    /// Shows nothing of the output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution")
            .field("exit_code", &self.exit_code)
            .field("duration_ms", &self.duration_ms)
            .field("timed_out", &self.timed_out)
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}
