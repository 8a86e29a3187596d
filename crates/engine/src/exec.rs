//! A process started inside a running container.

use crate::{InnerPath, Result, UserSpec};
use async_trait::async_trait;
use bytes::Bytes;
use std::pin::Pin;
use tokio::io::AsyncWrite;

/// A process to start.
#[derive(Clone)]
pub struct ExecSpec {
    /// The argument vector; never empty. The engine gives it to no shell.
    pub argv: Vec<String>,
    /// The user; `None` for the container's.
    pub user: Option<UserSpec>,
    /// The directory to start in; `None` for the container's.
    pub workdir: Option<InnerPath>,
    /// Variables on top of the container's.
    pub environment: Vec<(String, String)>,
    /// Whether [`Process::take_stdin`] is wanted; without it standard input is empty.
    pub stdin: bool,
}

impl std::fmt::Debug for ExecSpec {
    /// Shows no value of the environment: it is where people keep secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_struct("ExecSpec")
            .field("program", &self.argv.first())
            .field("arguments", &self.argv.len().saturating_sub(1))
            .field("user", &self.user)
            .field("workdir", &self.workdir)
            .field("environment", &names)
            .field("stdin", &self.stdin)
            .finish()
    }
}

/// Which of its outputs a process wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output, cut wherever the transport cut it: not at lines, nor at characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it was written.
    pub source: Source,
    /// What was written; never empty.
    pub data: Bytes,
}

/// Why no process was started, although the engine tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFailure {
    /// There is no such program inside.
    NoProgram,
    /// There is, and it can't be executed by that user.
    NotExecutable,
    /// The directory to start in does not exist or is none.
    NoDirectory,
    /// The runtime's own words.
    Other(String),
}

/// How much of a process tree a kill has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// Nothing of it runs any more.
    Complete,
    /// So many processes of it are still there.
    Survivors(usize),
    /// It could not be looked at from here.
    Unproven,
}

/// Writes to a process's standard input; shutting it down is the process's end of file.
pub type StdinSink = Pin<Box<dyn AsyncWrite + Send>>;

/// A running process. Dropping it before its exit code is known ends it with everything it started.
#[async_trait]
pub trait Process: Send + std::fmt::Debug {
    /// The next piece of output; `None` once the process has ended and its output is read.
    /// Cancel safe.
    async fn next(&mut self) -> Result<Option<Chunk>>;

    /// Standard input, once, if it was asked for.
    fn take_stdin(&mut self) -> Option<StdinSink>;

    /// The exit code, 128 + signal if a signal ended it. Waits for the end; output not read is lost.
    async fn wait(&mut self) -> Result<i32>;

    /// Why nothing was started; known once [`Process::next`] has answered `None`. The exit code is 126
    /// or 127 then, as a shell's would be, and there is no output.
    fn start_failure(&self) -> Option<&StartFailure>;

    /// Ends the process and everything that it started, also what has left its process group,
    /// session or parent. Bounded in time by the engine, not by the call that began the exec.
    async fn kill(&mut self) -> Termination;
}
