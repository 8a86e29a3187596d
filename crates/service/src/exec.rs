//! Exec: a command in a running container, with a bound on its time and on what is kept of its output.

use crate::text::Decoder;
use podlane_engine::{Chunk, InnerPath, Source, UserSpec};
use std::collections::BTreeMap;
use std::time::Duration;

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// For the container's shell, `bash` where it exists, else `sh`; in an image without a shell its
    /// words are the argument vector.
    Shell(String),
    /// The argument vector, for no shell.
    Argv(Vec<String>),
}

/// A command and its circumstances.
#[derive(Clone)]
pub struct NewExec {
    /// The command.
    pub command: Command,
    /// The user; `None` for the container's.
    pub user: Option<UserSpec>,
    /// The directory to start in; `None` for the container's.
    pub workdir: Option<InnerPath>,
    /// Variables on top of the container's.
    pub environment: BTreeMap<String, String>,
    /// What its standard input holds.
    pub stdin: Vec<u8>,
    /// When to end it, if before the request's own limit.
    pub timeout: Option<Duration>,
}

impl std::fmt::Debug for NewExec {
    /// Shows neither standard input nor the environment: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewExec")
            .field("user", &self.user)
            .field("workdir", &self.workdir)
            .finish_non_exhaustive()
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its exit code; 128 + signal if a signal ended it.
    pub exit_code: i32,
    /// What it wrote.
    pub output: Captured,
    /// How long it ran.
    pub duration: Duration,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
}

/// The output of a process, in the order in which it was written, up to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    chunks: Vec<Chunk>,
    bytes: usize,
    max_bytes: usize,
    /// Whether the process wrote more than is kept.
    pub truncated: bool,
}

impl Captured {
    fn new(max_bytes: usize) -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            max_bytes,
            truncated: false,
        }
    }

    fn push(&mut self, mut chunk: Chunk) {
        let room = self.max_bytes - self.bytes;
        if chunk.data.len() > room {
            self.truncated = true;
            chunk.data.truncate(room);
        }
        if !chunk.data.is_empty() {
            self.bytes += chunk.data.len();
            self.chunks.push(chunk);
        }
    }

    fn of(&self, source: Option<Source>) -> impl Iterator<Item = &Chunk> {
        self.chunks
            .iter()
            .filter(move |chunk| source.is_none_or(|source| source == chunk.source))
    }

    /// What was written to `source`, or to both for `None`, as it is.
    pub fn bytes(&self, source: Option<Source>) -> Vec<u8> {
        self.of(source)
            .flat_map(|chunk| chunk.data.iter().copied())
            .collect()
    }

    /// The same as text: what is not UTF-8 is U+FFFD, and a character that the bound cut is left out.
    pub fn text(&self, source: Option<Source>) -> String {
        let (mut stdout, mut stderr) = (Decoder::default(), Decoder::default());
        let mut text = String::new();
        for chunk in self.of(source) {
            match chunk.source {
                Source::Stdout => stdout.push(&chunk.data, &mut text),
                Source::Stderr => stderr.push(&chunk.data, &mut text),
            }
        }
        stdout.finish(self.truncated, &mut text);
        stderr.finish(self.truncated, &mut text);
        text
    }
}

impl crate::Service {
    /// Runs a command to its end.
    pub async fn exec(
        &self,
        _call: &podlane_engine::Call,
        _name: &podlane_engine::ContainerRef,
        _exec: NewExec,
    ) -> crate::Result<Execution> {
        Err(crate::Error::Stopping)
    }
}
