//! A command that an agent runs.

use super::Agent;
use super::link::Output;
use super::running::{Owner, Running, Stage, lost, terminal};
use crate::instance::Attempt;
use crate::requests;
use async_trait::async_trait;
use podlane_agent::{Failure, Request, Run, Status, Target};
use podlane_engine::{
    Chunk, Command, Control, Error, ExecPath, ExecSpec, Exit, InnerPath, Process, Result, Signal,
    Source, StartFailure, StdinSink, Usage,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long it takes until Podman knows that a container has ended, at most.
const HEARING: Duration = Duration::from_secs(3);

/// What a kernel says that has no room for another process or its pipes. Source: errno(3), on Linux.
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// A command under way.
pub(crate) struct AgentProcess {
    running: Arc<Running>,
    outputs: Vec<(Source, Output)>,
    stdin: Option<StdinSink>,
    failure: Option<StartFailure>,
    /// How it ended with its container.
    vanished: Option<Exit>,
}

impl std::fmt::Debug for AgentProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentProcess")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

impl AgentProcess {
    /// Hands a command to a worker of an agent.
    pub(super) async fn hand_over(agent: &Arc<Agent>, owner: Owner, run: Run) -> io::Result<Self> {
        let worker = Arc::new(agent.worker().await?);
        let made = worker.streams(&run);
        // From here on it is given back, or ended, when it is dropped.
        let mut process = Self {
            running: Arc::new(Running::new(owner, Arc::clone(agent), Arc::clone(&worker))),
            outputs: Vec::new(),
            stdin: None,
            failure: None,
            vanished: None,
        };
        let made = made?;
        process.stdin = made.stdin;
        process.outputs = made.outputs;
        worker.send(&Request::Run(run), &made.theirs).await?;
        Ok(process)
    }

    /// Waits until it runs, or is known not to.
    pub(super) async fn begun(&mut self) -> Begun {
        let begun = self.running.hear(|heard| match heard.failed {
            Some(Failure::Other(EAGAIN | ENOMEM | ENFILE | EMFILE)) => Some((Begun::NoRoom, None)),
            Some(failure) => Some((Begun::Yes, Some(failure))),
            None if heard.stage == Stage::Running => Some((Begun::Yes, None)),
            // What was about to be started may have been.
            None if heard.lost && heard.stage == Stage::Started => Some((Begun::Yes, None)),
            None => heard.lost.then_some((Begun::NoRoom, None)),
        });
        let (begun, failure) = begun.await;
        self.failure = failure.map(start_failure);
        begun
    }

    /// Its worker finds its socket closed before it starts anything.
    pub(super) fn give_up(self) {
        self.running.give_up();
    }

    fn read(&mut self) -> io::Result<Option<Chunk>> {
        for at in 0..self.outputs.len() {
            let (source, output) = &mut self.outputs[at];
            if let Some(data) = output.read()? {
                let source = *source;
                // The other one is next: neither waits for the end of the other.
                self.outputs.rotate_left(at + 1);
                return Ok(Some(Chunk { source, data }));
            }
        }
        Ok(None)
    }

    /// After the agent has gone without a word: with its container, all that ran in it was killed.
    async fn vanish(&mut self) -> Result<Option<Chunk>> {
        if self.running.container_runs().await {
            let owner = self.running.owner.clone();
            owner.engine.clone().spawn(async move {
                owner.end_from_outside().await;
            });
            // The kernel ends a container's processes before Podman hears of it.
            let heard = timeout(HEARING, self.running.container_ends());
            heard.await.map_err(|_elapsed| lost())?;
        }
        self.vanished = Some(killed());
        Ok(None)
    }
}

/// How a command ended, as far as it has been heard.
#[derive(Debug, Clone, Copy)]
enum End {
    Exited,
    Failed(Failure),
    /// From outside, without a word of its worker's.
    Killed,
    /// Its agent has.
    Vanished,
}

/// The end of which its worker could not tell.
fn killed() -> Exit {
    Exit {
        code: 128 + Signal::KILL.number(),
        signal: Some(Signal::KILL.number()),
        usage: None,
    }
}

/// How the start of a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It runs, or the agent knows why it can't.
    Yes,
    /// It does not run, and the engine itself may be able to start it.
    NoRoom,
}

/// A command as the agent is told of it.
pub(super) fn command(spec: &ExecSpec, mark: &Attempt) -> Run {
    let environment = requests::environment(spec, mark).into_iter();
    Run {
        target: match &spec.command {
            Command::Shell(line) => Target::Shell(line.clone().into_bytes()),
            Command::Argv(argv) => {
                Target::Argv(argv.iter().map(|word| word.clone().into_bytes()).collect())
            }
        },
        workdir: spec.workdir.as_ref().map_or("", InnerPath::as_str).into(),
        environment: environment.map(String::into_bytes).collect(),
        stdin: spec.stdin,
        terminal: spec.terminal.map(terminal),
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        if self.running.is_over() {
            self.running.release();
            return;
        }
        let running = Arc::clone(&self.running);
        let engine = running.owner.engine.clone();
        engine.spawn(async move {
            running.end(Duration::ZERO).await;
            running.release();
        });
    }
}

#[async_trait]
impl Process for AgentProcess {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if self.failure.is_some() || self.vanished.is_some() {
                return Ok(None);
            }
            let broken = |error: io::Error| Error::Unavailable {
                step: "running the command".into(),
                reason: error.to_string(),
            };
            if let Some(chunk) = self.read().map_err(broken)? {
                return Ok(Some(chunk));
            }
            let running = &self.running;
            let end = running.hear(|heard| match (heard.failed, heard.exited) {
                (None, None) if heard.killed => Some(End::Killed),
                (None, None) => heard.lost.then_some(End::Vanished),
                (Some(failure), _) => Some(End::Failed(failure)),
                (None, Some(_)) => Some(End::Exited),
            });
            let readable = futures_util::future::select_all(
                self.outputs
                    .iter()
                    .map(|(_, output)| Box::pin(output.readable())),
            );
            let end = tokio::select! {
                biased;
                end = end => end,
                (ready, _, _) = readable => {
                    ready.map_err(broken)?;
                    continue;
                }
            };
            match end {
                End::Failed(failure) => self.failure = Some(start_failure(failure)),
                End::Vanished => return self.vanish().await,
                End::Exited | End::Killed => {
                    for (_, output) in &mut self.outputs {
                        output.ended();
                    }
                    // All that it wrote is in the pipes by now.
                    if let Some(chunk) = self.read().map_err(broken)? {
                        return Ok(Some(chunk));
                    }
                    if matches!(end, End::Killed) {
                        self.vanished = Some(killed());
                    }
                    return Ok(None);
                }
            }
        }
    }

    fn take_stdin(&mut self) -> Option<StdinSink> {
        self.stdin.take()
    }

    async fn wait(&mut self) -> Result<Exit> {
        while self.next().await?.is_some() {}
        if let Some(failure) = &self.failure {
            return Ok(Exit::of(match failure {
                StartFailure::NoProgram => 127,
                _ => 126,
            }));
        }
        let exited = self.running.exited();
        exited.map(exit).or(self.vanished).ok_or_else(lost)
    }

    fn start_failure(&self) -> Option<&StartFailure> {
        self.failure.as_ref()
    }

    fn path(&self) -> ExecPath {
        self.running.agent.link.path()
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.running) as Arc<dyn Control>
    }
}

fn start_failure(failure: Failure) -> StartFailure {
    let words = |what: &str, errno| {
        StartFailure::Other(format!("{what}: {}", io::Error::from_raw_os_error(errno)))
    };
    match failure {
        Failure::NoProgram => StartFailure::NoProgram,
        Failure::NotExecutable => StartFailure::NotExecutable,
        Failure::NoDirectory => StartFailure::NoDirectory,
        Failure::NoTerminal(errno) => words("no terminal can be made in the container", errno),
        Failure::Other(errno) => words("the program can't be started", errno),
    }
}

fn exit(status: Status) -> Exit {
    Exit {
        code: status.code,
        signal: (status.signal > 0).then(|| status.signal.into()),
        usage: Some(Usage {
            user: Duration::from_micros(status.user_us),
            system: Duration::from_micros(status.system_us),
            max_rss: status.max_rss_kib.saturating_mul(1024),
        }),
    }
}
