//! What the two sides say to each other.

use crate::frame::{Fields, Malformed, Writer};

/// What the server asks of the agent.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// Fork a worker that serves the descriptor beside this frame. For the first connection only.
    Fork,
    /// Run a command with the descriptors beside this frame: standard input if it has one, then
    /// standard output, then standard error unless there is a terminal or the command is a work.
    Run(Run),
    /// Send a signal to the command's process group.
    Signal(u8),
    /// Give its terminal another size.
    Resize(Terminal),
    /// End it and all that it started: SIGTERM, and SIGKILL after so many milliseconds.
    Terminate {
        /// Milliseconds between the two.
        grace_ms: u32,
    },
}

/// A command.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// What to run.
    pub target: Target,
    /// The directory to start in; empty for the agent's own.
    pub workdir: Vec<u8>,
    /// `NAME=value` on top of the agent's own.
    pub environment: Vec<Vec<u8>>,
    /// Whether a descriptor for standard input comes along; without one it is /dev/null.
    pub stdin: bool,
    /// The size of the terminal, if it gets one.
    pub terminal: Option<Terminal>,
}

/// What to run.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A line for bash where it exists, else for sh.
    Shell(Vec<u8>),
    /// The argument vector.
    Argv(Vec<Vec<u8>>),
    /// No program: a work of `podlane-inside`, as that writes it.
    Work(Vec<u8>),
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is there and speaks this version.
    Hello {
        /// [`crate::VERSION`].
        version: u8,
    },
    /// The command is about to be started: from here on it may have run.
    Started,
    /// It runs.
    Running,
    /// It was not started, also after [`Reply::Started`].
    Failed(Failure),
    /// It has ended, and all that it wrote is in its pipes.
    Exited(Status),
    /// A [`Request::Terminate`] is done.
    Terminated {
        /// Whether SIGTERM was not enough.
        killed: bool,
        /// What could not be ended.
        survivors: Vec<Survivor>,
    },
}

/// Why a command was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no such program.
    NoProgram,
    /// It can't be executed.
    NotExecutable,
    /// The directory does not exist or can't be entered.
    NoDirectory,
    /// No terminal could be made; an errno.
    NoTerminal(i32),
    /// Anything else; an errno.
    Other(i32),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its exit code, or 128 + signal.
    pub code: i32,
    /// The signal that ended it; 0 if none did.
    pub signal: u8,
    /// Processor time outside the kernel, in microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_us: u64,
    /// The largest resident memory, in kibibytes.
    pub max_rss_kib: u64,
    /// Whether something that it started still runs. The worker ends then.
    pub leftovers: bool,
}

/// A process that could not be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Its PID in the container.
    pub pid: i32,
    /// The name of its program.
    pub name: Vec<u8>,
}

/// More survivors than these are not told.
const MAX_SURVIVORS: usize = 64;

mod kind {
    pub(super) const FORK: u8 = 1;
    pub(super) const RUN: u8 = 2;
    pub(super) const SIGNAL: u8 = 3;
    pub(super) const RESIZE: u8 = 4;
    pub(super) const TERMINATE: u8 = 5;
    pub(super) const HELLO: u8 = 65;
    pub(super) const STARTED: u8 = 66;
    pub(super) const FAILED: u8 = 67;
    pub(super) const EXITED: u8 = 68;
    pub(super) const TERMINATED: u8 = 69;
    pub(super) const RUNNING: u8 = 70;
}

const UNKNOWN: Malformed = Malformed("its kind is unknown");

impl std::fmt::Debug for Request {
    /// Shows neither arguments nor variables: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fork => "Fork",
            Self::Run(_) => "Run(..)",
            Self::Signal(_) => "Signal(..)",
            Self::Resize(_) => "Resize(..)",
            Self::Terminate { .. } => "Terminate { .. }",
        })
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("stdin", &self.stdin)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shell(_) => "Shell(..)",
            Self::Argv(_) => "Argv(..)",
            Self::Work(_) => "Work(..)",
        })
    }
}

impl Request {
    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Fork => Writer::new(kind::FORK).finish(),
            Self::Run(run) => run.encode(),
            Self::Signal(number) => Writer::new(kind::SIGNAL).u8(*number).finish(),
            Self::Resize(size) => size.write(Writer::new(kind::RESIZE)).finish(),
            Self::Terminate { grace_ms } => Writer::new(kind::TERMINATE).u32(*grace_ms).finish(),
        }
    }

    /// Reads the body of a frame.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(body);
        let request = match fields.u8()? {
            kind::FORK => Self::Fork,
            kind::RUN => Self::Run(Run::read(&mut fields)?),
            kind::SIGNAL => Self::Signal(fields.u8()?),
            kind::RESIZE => Self::Resize(Terminal::read(&mut fields)?),
            kind::TERMINATE => Self::Terminate {
                grace_ms: fields.u32()?,
            },
            _ => return Err(UNKNOWN),
        };
        fields.end().map(|()| request)
    }
}

impl Run {
    /// How many descriptors come along.
    pub fn descriptors(&self) -> usize {
        1 + usize::from(self.stdin) + usize::from(self.has_stderr())
    }

    /// Whether standard error is a stream of its own. A terminal has only one, and a work writes nothing there.
    pub fn has_stderr(&self) -> bool {
        self.terminal.is_none() && !matches!(self.target, Target::Work(_))
    }

    fn encode(&self) -> Vec<u8> {
        let writer = Writer::new(kind::RUN);
        let writer = match &self.target {
            Target::Shell(line) => writer.u8(0).bytes(line),
            Target::Argv(argv) => writer.u8(1).list(argv),
            Target::Work(work) => writer.u8(2).bytes(work),
        };
        let writer = writer
            .bytes(&self.workdir)
            .list(&self.environment)
            .u8(u8::from(self.stdin))
            .u8(u8::from(self.terminal.is_some()));
        match self.terminal {
            Some(size) => size.write(writer),
            None => writer,
        }
        .finish()
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        let target = match fields.u8()? {
            0 => Target::Shell(fields.bytes()?.to_vec()),
            1 => Target::Argv(fields.list()?),
            2 => Target::Work(fields.bytes()?.to_vec()),
            _ => return Err(UNKNOWN),
        };
        if target == Target::Argv(Vec::new()) {
            return Err(Malformed("the argument vector is empty"));
        }
        Ok(Self {
            target,
            workdir: fields.bytes()?.to_vec(),
            environment: fields.list()?,
            stdin: fields.flag()?,
            terminal: if fields.flag()? {
                Some(Terminal::read(fields)?)
            } else {
                None
            },
        })
    }
}

impl Terminal {
    fn write(self, writer: Writer) -> Writer {
        writer.u16(self.columns).u16(self.rows)
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            columns: fields.u16()?,
            rows: fields.u16()?,
        })
    }
}

impl Reply {
    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { version } => Writer::new(kind::HELLO).u8(*version).finish(),
            Self::Started => Writer::new(kind::STARTED).finish(),
            Self::Running => Writer::new(kind::RUNNING).finish(),
            Self::Failed(failure) => failure.encode(),
            Self::Exited(status) => status.encode(),
            Self::Terminated { killed, survivors } => {
                let told = &survivors[..survivors.len().min(MAX_SURVIVORS)];
                let mut writer = Writer::new(kind::TERMINATED)
                    .u8(u8::from(*killed))
                    .u32(u32::try_from(told.len()).unwrap_or(u32::MAX));
                for survivor in told {
                    let name = &survivor.name[..survivor.name.len().min(64)];
                    writer = writer.u32(survivor.pid.cast_unsigned()).bytes(name);
                }
                writer.finish()
            }
        }
    }

    /// Reads the body of a frame.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(body);
        let reply = match fields.u8()? {
            kind::HELLO => Self::Hello {
                version: fields.u8()?,
            },
            kind::STARTED => Self::Started,
            kind::RUNNING => Self::Running,
            kind::FAILED => Self::Failed(Failure::read(&mut fields)?),
            kind::EXITED => Self::Exited(Status::read(&mut fields)?),
            kind::TERMINATED => {
                let killed = fields.flag()?;
                let count = fields.u32()?;
                let mut survivors = Vec::new();
                for _ in 0..count {
                    survivors.push(Survivor {
                        pid: fields.i32()?,
                        name: fields.bytes()?.to_vec(),
                    });
                }
                Self::Terminated { killed, survivors }
            }
            _ => return Err(UNKNOWN),
        };
        fields.end().map(|()| reply)
    }
}

impl Failure {
    fn encode(self) -> Vec<u8> {
        let (what, errno) = match self {
            Self::NoProgram => (0, 0),
            Self::NotExecutable => (1, 0),
            Self::NoDirectory => (2, 0),
            Self::NoTerminal(errno) => (3, errno),
            Self::Other(errno) => (4, errno),
        };
        let writer = Writer::new(kind::FAILED).u8(what);
        writer.u32(errno.cast_unsigned()).finish()
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        let (what, errno) = (fields.u8()?, fields.i32()?);
        match what {
            0 => Ok(Self::NoProgram),
            1 => Ok(Self::NotExecutable),
            2 => Ok(Self::NoDirectory),
            3 => Ok(Self::NoTerminal(errno)),
            4 => Ok(Self::Other(errno)),
            _ => Err(UNKNOWN),
        }
    }
}

impl Status {
    fn encode(self) -> Vec<u8> {
        Writer::new(kind::EXITED)
            .u32(self.code.cast_unsigned())
            .u8(self.signal)
            .u64(self.user_us)
            .u64(self.system_us)
            .u64(self.max_rss_kib)
            .u8(u8::from(self.leftovers))
            .finish()
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            code: fields.i32()?,
            signal: fields.u8()?,
            user_us: fields.u64()?,
            system_us: fields.u64()?,
            max_rss_kib: fields.u64()?,
            leftovers: fields.flag()?,
        })
    }
}

#[cfg(test)]
mod tests;
