//! A worker: one command at a time, with all that it starts.

use crate::connection::Connection;
use crate::process::Home;
use crate::spawn::{self, Prepared, Streams};
use crate::sys::{self, Children, Reaped};
use crate::terminal::{self, Relay};
use crate::tree::{self, Ending};
use crate::work::Note;
use podlane_agent::{Failure, Reply, Request, Run, Status};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a kill is tried.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked whether those who were asked, or killed, have ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How a turn of a worker ended.
enum Turn {
    /// Ready for the next command.
    Ready,
    /// Something that the command started goes on: it must not be taken for another command's.
    Leftovers,
    /// The server has gone.
    Gone,
}

/// Serves until the server goes; then nothing of a command goes on.
pub(crate) fn run(socket: &OwnedFd, home: &Home) -> ! {
    if let Ok(note) = Note::new() {
        let left = serve(socket, home, &note);
        if !matches!(left, Ok(Turn::Leftovers)) {
            end_all();
            note.clean();
        }
    }
    sys::exit(0)
}

fn serve(socket: &OwnedFd, home: &Home, note: &Note) -> io::Result<Turn> {
    sys::adopt_orphans()?;
    let mut worker = Worker {
        server: Connection::new(socket),
        children: sys::child_signals()?,
        home,
        note,
    };
    loop {
        match worker.server.next().map_err(io::Error::other)? {
            Some(Request::Run(run)) => match worker.command(&run)? {
                Turn::Ready => {}
                turn => return Ok(turn),
            },
            // It has ended meanwhile.
            Some(Request::Terminate { .. }) => worker.server.send(&Reply::Terminated {
                killed: false,
                survivors: Vec::new(),
            })?,
            Some(Request::Signal(_) | Request::Resize(_)) => {}
            Some(Request::Fork) => return Err(io::ErrorKind::InvalidData.into()),
            None => {
                let events = worker.server.events();
                sys::poll(&mut [sys::poll_for(worker.server.raw(), events)], None)?;
                worker.server.flush()?;
                if !worker.server.receive()? {
                    return Ok(Turn::Gone);
                }
            }
        }
    }
}

/// Kills whatever descends from this process.
fn end_all() {
    let until = Instant::now() + PATIENCE;
    while !matches!(reap_all(|_| {}), Ok(true)) && Instant::now() < until {
        tree::kill_descendants();
        std::thread::sleep(PAUSE);
    }
}

/// Takes every child that has ended; whether there are none left.
fn reap_all(mut ended: impl FnMut(Reaped)) -> io::Result<bool> {
    loop {
        match sys::reap()? {
            Children::Ended(child) => ended(*child),
            Children::Running => return Ok(false),
            Children::None => return Ok(true),
        }
    }
}

struct Worker<'a> {
    server: Connection<&'a OwnedFd>,
    children: OwnedFd,
    home: &'a Home,
    /// What is left of a work that was killed.
    note: &'a Note,
}

/// A command that runs, or whose leftovers do.
struct Command {
    pid: libc::pid_t,
    relay: Option<Relay>,
    /// How it ended.
    status: Option<Status>,
    /// Nothing of it is left.
    alone: bool,
    ending: Option<Termination>,
}

/// An end on its way.
struct Termination {
    ask: Ending,
    kill_at: Instant,
    give_up_at: Instant,
    killed: bool,
}

impl Worker<'_> {
    /// Runs a command to its end.
    fn command(&mut self, run: &Run) -> io::Result<Turn> {
        let descriptors = self.server.take_descriptors(run.descriptors())?;
        let mut command = match self.start(run, descriptors) {
            Ok(Some(command)) => command,
            Ok(None) => return Ok(Turn::Gone),
            Err(failure) => {
                self.server.send(&Reply::Failed(failure))?;
                return Ok(Turn::Ready);
            }
        };
        loop {
            if let Some(status) = self.look(&mut command)? {
                let leftovers = !command.alone;
                self.server.send(&Reply::Exited(Status {
                    leftovers,
                    ..status
                }))?;
                return Ok(if leftovers {
                    Turn::Leftovers
                } else {
                    Turn::Ready
                });
            }
            self.wait(&command)?;
            self.server.flush()?;
            if !self.server.receive()? {
                return Ok(Turn::Gone);
            }
            self.obey(&mut command)?;
            if let Some(relay) = &mut command.relay {
                relay.pump();
            }
        }
    }

    /// Starts it; `None` if nobody wants it any more.
    fn start(&mut self, run: &Run, descriptors: Vec<OwnedFd>) -> Result<Option<Command>, Failure> {
        let other = |error: io::Error| Failure::Other(error.raw_os_error().unwrap_or(libc::EIO));
        self.home
            .enter(&run.workdir)
            .map_err(|_error| Failure::NoDirectory)?;
        let prepared = Prepared::new(run, self.home)?;
        let mut descriptors = descriptors.into_iter();
        let stdin = run.stdin.then(|| descriptors.next()).flatten();
        let stdout = descriptors.next().ok_or(Failure::Other(libc::EBADF))?;
        let mut relay = None;
        let mut kept = Vec::new();
        let streams = if let Some(size) = run.terminal {
            let (made, path) = terminal::open(size, stdin, stdout)
                .map_err(|error| Failure::NoTerminal(error.raw_os_error().unwrap_or(libc::EIO)))?;
            relay = Some(made);
            Streams::Terminal(path)
        } else {
            let stdin = stdin.map_or_else(spawn::null, Ok).map_err(other)?;
            let stderr = if run.has_stderr() {
                Some(descriptors.next().ok_or(Failure::Other(libc::EBADF))?)
            } else {
                None
            };
            // What can't be written to takes the place of the one that is missing.
            let last = stderr.as_ref().unwrap_or(&stdin);
            let streams = Streams::Given([&stdin, &stdout, last].map(AsRawFd::as_raw_fd));
            kept.extend([stdin, stdout]);
            kept.extend(stderr);
            streams
        };
        // A command that was given up while the container was frozen must not start after all.
        if self.server.is_closed() {
            return Ok(None);
        }
        self.server.send(&Reply::Started).map_err(other)?;
        let pid = prepared.spawn(&streams, self.home, self.note)?;
        // Whatever became of the server: what runs now has to be ended first.
        let _ = self.server.send(&Reply::Running);
        Ok(Some(Command {
            pid,
            relay,
            status: None,
            alone: false,
            ending: None,
        }))
    }

    fn wait(&mut self, command: &Command) -> io::Result<()> {
        let mut wait = vec![
            sys::poll_for(self.server.raw(), self.server.events()),
            sys::poll_for(self.children.as_raw_fd(), libc::POLLIN),
        ];
        if let Some(relay) = &command.relay {
            relay.wait_for(&mut wait);
        }
        sys::poll(&mut wait, command.ending.as_ref().map(|_| PAUSE))?;
        sys::take_child_signals(self.children.as_fd());
        Ok(())
    }

    /// Looks what has become of it; its status once all about it is over.
    fn look(&mut self, command: &mut Command) -> io::Result<Option<Status>> {
        let (pid, status) = (command.pid, &mut command.status);
        command.alone = reap_all(|child| {
            if child.pid == pid {
                *status = Some(ended(&child));
            }
        })?;
        if command.status.is_some() {
            self.note.clean();
        }
        let drained = match (&command.status, &mut command.relay) {
            (Some(_), Some(relay)) => relay.is_drained(),
            _ => true,
        };
        let Some(termination) = &mut command.ending else {
            return Ok(command.status.filter(|_| drained));
        };
        let now = Instant::now();
        let over = command.alone || now >= termination.give_up_at;
        if over {
            let killed = termination.killed;
            command.ending = None;
            let survivors = if command.alone {
                Vec::new()
            } else {
                tree::survivors()
            };
            self.server.send(&Reply::Terminated { killed, survivors })?;
            return Ok(command.status.filter(|_| drained));
        }
        if now >= termination.kill_at {
            termination.killed = true;
            tree::kill_descendants();
        } else {
            termination.ask.ask();
        }
        Ok(None)
    }

    fn obey(&mut self, command: &mut Command) -> io::Result<()> {
        while let Some(request) = self.server.next().map_err(io::Error::other)? {
            match request {
                Request::Signal(number) if command.status.is_none() => {
                    // It leads its group, unless it has only just been started.
                    if sys::kill(-command.pid, number.into()).is_err() {
                        let _ = sys::kill(command.pid, number.into());
                    }
                }
                Request::Signal(_) => {}
                Request::Resize(size) => {
                    if let Some(relay) = &command.relay {
                        let _ = relay.resize(size);
                    }
                }
                Request::Terminate { grace_ms } => {
                    let mut kill_at = Instant::now() + Duration::from_millis(grace_ms.into());
                    if let Some(ending) = &command.ending {
                        // Who asks again puts nothing off.
                        kill_at = kill_at.min(ending.kill_at);
                    }
                    command.ending = Some(Termination {
                        ask: Ending::default(),
                        kill_at,
                        give_up_at: kill_at.max(Instant::now()) + PATIENCE,
                        killed: false,
                    });
                }
                Request::Fork | Request::Run(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(())
    }
}

/// What the kernel says of a child that has ended.
fn ended(child: &Reaped) -> Status {
    let micros = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        seconds * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or_default()
    };
    let signal = if libc::WIFSIGNALED(child.status) {
        libc::WTERMSIG(child.status)
    } else {
        0
    };
    Status {
        code: if signal > 0 {
            128 + signal
        } else {
            libc::WEXITSTATUS(child.status)
        },
        signal: u8::try_from(signal).unwrap_or_default(),
        user_us: micros(child.usage.ru_utime),
        system_us: micros(child.usage.ru_stime),
        max_rss_kib: u64::try_from(child.usage.ru_maxrss).unwrap_or_default(),
        leftovers: false,
    }
}
