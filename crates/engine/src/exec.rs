//! A process started inside a running container.

use crate::{InnerPath, Result, UserSpec};
use async_trait::async_trait;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWrite;

/// A command to run.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// For the container's shell: `bash` where it exists, else `sh`.
    Shell(String),
    /// The argument vector, for no shell; never empty.
    Argv(Vec<String>),
}

impl Command {
    /// The program that is looked for, for messages.
    pub fn program(&self) -> &str {
        match self {
            Self::Shell(_) => "sh",
            Self::Argv(argv) => argv.first().map_or("", String::as_str),
        }
    }
}

impl std::fmt::Debug for Command {
    /// Shows no arguments: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shell(_) => f.write_str("Shell(..)"),
            Self::Argv(_) => write!(f, "Argv({:?}, ..)", self.program()),
        }
    }
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

impl TerminalSize {
    /// What a terminal has whose size nobody says.
    pub const USUAL: Self = Self {
        columns: 80,
        rows: 24,
    };
}

/// A process to start.
#[derive(Clone)]
pub struct ExecSpec {
    /// What to run.
    pub command: Command,
    /// The user; `None` for the container's.
    pub user: Option<UserSpec>,
    /// The directory to start in; `None` for the container's.
    pub workdir: Option<InnerPath>,
    /// Variables on top of the container's.
    pub environment: Vec<(String, String)>,
    /// Whether [`Process::take_stdin`] is wanted; without it standard input is empty.
    pub stdin: bool,
    /// Whether that input may go on for longer than the command: then its end is never waited for.
    pub open_ended: bool,
    /// With a terminal, all output is [`Source::Stdout`].
    pub terminal: Option<TerminalSize>,
    /// Whether an agent of ours may run it, where the engine has one; else the engine itself does.
    pub agent: bool,
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
            .field("command", &self.command)
            .field("user", &self.user)
            .field("workdir", &self.workdir)
            .field("environment", &names)
            .field("stdin", &self.stdin)
            .field("open_ended", &self.open_ended)
            .field("terminal", &self.terminal)
            .field("agent", &self.agent)
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

/// The way on which a process was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecPath {
    /// By an agent in the container, over descriptors handed to it.
    Fd,
    /// By an agent in the container, over one stream through the engine.
    Stream,
    /// By the engine itself.
    Engine,
}

impl ExecPath {
    /// Its name on the wire and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fd => "fd",
            Self::Stream => "stream",
            Self::Engine => "engine",
        }
    }
}

/// Why no process was started, although the engine tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFailure {
    /// There is no such program inside; for [`Command::Shell`], no shell.
    NoProgram,
    /// There is, and it can't be executed by that user.
    NotExecutable,
    /// The directory to start in does not exist or is none.
    NoDirectory,
    /// The runtime's own words.
    Other(String),
}

/// What a process used, its children that it waited for included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time outside the kernel.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// The largest resident memory of one process, in bytes.
    pub max_rss: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, 128 + signal if a signal ended it.
    pub code: i32,
    /// The signal that ended it, where the engine tells it from an exit code.
    pub signal: Option<i32>,
    /// What it used, where the engine tells.
    pub usage: Option<Usage>,
}

impl Exit {
    /// The end of which no more than the code is known.
    pub fn of(code: i32) -> Self {
        Self {
            code,
            signal: None,
            usage: None,
        }
    }
}

/// A process that could not be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Its PID, in the container where that is known, else on the engine's host.
    pub pid: i32,
    /// The name of its program.
    pub name: String,
    /// Whether it has been killed in a paused container: it ends as soon as that is unpaused.
    pub paused: bool,
}

/// How much of a process tree has been ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Termination {
    /// Nothing of it runs any more.
    Complete {
        /// Whether asking (SIGTERM) was not enough.
        killed: bool,
    },
    /// These are still there.
    Survivors(Vec<Survivor>),
    /// It could not be looked at from here.
    Unproven,
}

impl Termination {
    /// Whether nothing of the tree runs any more.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }

    /// Whether nothing more can be done: what is left only waits for its container to be unpaused.
    pub fn is_paused(&self) -> bool {
        matches!(self, Self::Survivors(left) if left.iter().all(|one| one.paused))
    }
}

/// A signal by its number, 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(15);
    /// Ends a process.
    pub const KILL: Self = Self(9);

    const NAMES: [(&'static str, i32); 29] = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("TRAP", 5),
        ("ABRT", 6),
        ("BUS", 7),
        ("FPE", 8),
        ("KILL", 9),
        ("USR1", 10),
        ("SEGV", 11),
        ("USR2", 12),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
        ("CHLD", 17),
        ("CONT", 18),
        ("STOP", 19),
        ("TSTP", 20),
        ("TTIN", 21),
        ("TTOU", 22),
        ("URG", 23),
        ("XCPU", 24),
        ("XFSZ", 25),
        ("VTALRM", 26),
        ("PROF", 27),
        ("WINCH", 28),
        ("IO", 29),
        ("SYS", 31),
    ];

    /// The first and the last real-time signal that the C library leaves to programs.
    const RTMIN: i32 = 34;
    const RTMAX: i32 = 64;

    /// A signal by its name, with or without `SIG`, in any case, or by its number; a real-time one as `RTMIN+n` or
    /// `RTMAX-n`. Source: signal(7), numbers of x86 and ARM.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<i32>() {
            return (1..=64).contains(&number).then_some(Self(number));
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if name.starts_with("RT") {
            return Self::real_time(name);
        }
        Self::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| Self(*number))
    }

    fn real_time(name: &str) -> Option<Self> {
        let (base, sign, rest) = match name.split_at_checked(5)? {
            ("RTMIN", rest) => (Self::RTMIN, '+', rest),
            ("RTMAX", rest) => (Self::RTMAX, '-', rest),
            _ => return None,
        };
        if rest.is_empty() {
            return Some(Self(base));
        }
        let digits = rest.strip_prefix(sign)?;
        // A number may have a sign of its own.
        if digits.starts_with('+') {
            return None;
        }
        let distance = i32::from(digits.parse::<u8>().ok()?);
        let number = if sign == '+' {
            base + distance
        } else {
            base - distance
        };
        (Self::RTMIN..=Self::RTMAX)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }
}

/// Writes to a process's standard input; shutting it down is the process's end of file.
pub type StdinSink = Pin<Box<dyn AsyncWrite + Send>>;

/// A running process. Dropping it before its exit is known ends it with everything it started, unless
/// it is somebody else's that was only joined ([`crate::Attachment`]).
#[async_trait]
pub trait Process: Send + std::fmt::Debug {
    /// The next piece of output; `None` once the process has ended and its output is read. A reader
    /// that waits makes the process wait. Cancel safe.
    async fn next(&mut self) -> Result<Option<Chunk>>;

    /// Standard input, once, if it was asked for.
    fn take_stdin(&mut self) -> Option<StdinSink>;

    /// How it ended. Waits for the end; output not read is lost.
    async fn wait(&mut self) -> Result<Exit>;

    /// Waits until it runs, or is known not to: then [`Process::start_failure`] says why. No output is lost.
    /// Cancel safe.
    async fn until_started(&mut self) -> Result<()> {
        Ok(())
    }

    /// Why nothing was started; known once [`Process::until_started`] has answered, or [`Process::next`]
    /// with `None`. The exit code is 126 or 127 then, as a shell's would be, and there is no output.
    fn start_failure(&self) -> Option<&StartFailure>;

    /// The way on which it was started.
    fn path(&self) -> ExecPath;

    /// Acts on the process while somebody else reads it.
    fn control(&self) -> Arc<dyn Control>;
}

/// Acts on a running process.
#[async_trait]
pub trait Control: Send + Sync + std::fmt::Debug {
    /// Sends a signal to the process and its process group. [`crate::Error::WrongState`] once it has ended.
    async fn signal(&self, signal: Signal) -> Result<()>;

    /// Sets the size of its terminal.
    async fn resize(&self, size: TerminalSize) -> Result<()>;

    /// Ends the process and everything that it started, also what has left its process group, session
    /// or parent: asked with SIGTERM, killed after `grace`. Bounded in time by the engine, not by the
    /// call that began the exec.
    async fn terminate(&self, grace: Duration) -> Termination;
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn signals_by_name_and_number() {
        for text in ["TERM", "sigterm", "SIGTERM", "15"] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        for text in ["", "0", "65", "-9", "SIG", "NOSUCH", "SIGSIGTERM"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn real_time_signals_by_their_distance() {
        for (text, number) in [
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("sigrtmin+0", 34),
            ("RTMIN+30", 64),
            ("SIGRTMAX", 64),
            ("rtmax-14", 50),
            ("RTMAX-30", 34),
        ] {
            let signal = Signal::parse(text).map(Signal::number);
            assert_eq!(signal, Some(number), "{text}");
        }
        for text in [
            "RT",
            "RTMIN3",
            "RTMIN-1",
            "RTMIN+",
            "RTMIN++3",
            "RTMIN+-3",
            "RTMIN+31",
            "RTMAX+1",
            "RTMAX-31",
            "RTMIN+99999999999",
            "RTMI\u{fc}+3",
        ] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }
}
