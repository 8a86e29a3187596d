//! A command that an agent runs.

use super::Agent;
use super::link::{Output, Worker};
use crate::instance::Attempt;
use crate::{PodmanEngine, requests};
use async_trait::async_trait;
use podlane_agent::{Failure, Reply, Request, Run, Status, Target, Terminal};
use podlane_engine::{
    Call, Chunk, Command, ContainerId, ContainerRef, Control, Engine, Error, ExecPath, ExecSpec,
    Exit, InnerPath, Process, Result, Signal, Source, StartFailure, StdinSink, Survivor,
    TerminalSize, Termination, Usage,
};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How much longer than its grace an end may take: the agent itself gives up after five seconds.
const ENDING: Duration = Duration::from_secs(8);
/// How long a look from outside may take.
const LOOKING: Duration = Duration::from_secs(10);
/// How long it takes until Podman knows that a container has ended, at most, and how often it is asked meanwhile.
const HEARING: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

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

/// What can be done to it while it is read.
#[derive(Debug)]
pub(crate) struct Running {
    owner: Owner,
    agent: Arc<Agent>,
    /// `None` once it has been given back.
    worker: Mutex<Option<Arc<Worker>>>,
    heard: Mutex<Heard>,
    changed: Notify,
}

/// What the worker has said.
#[derive(Debug, Default)]
struct Heard {
    started: bool,
    running: bool,
    failed: Option<Failure>,
    exited: Option<Status>,
    terminated: Option<Termination>,
    lost: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    fn worker(&self) -> Option<Arc<Worker>> {
        lock(&self.worker).clone()
    }

    /// Waits until `wanted` has something to say of what was heard. Cancel safe, and any number of tasks
    /// may wait.
    async fn hear<T>(&self, mut wanted: impl FnMut(&Heard) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(answer) = wanted(&lock(&self.heard)) {
                return answer;
            }
            let Some(worker) = self.worker() else {
                lock(&self.heard).lost = true;
                continue;
            };
            tokio::select! {
                () = &mut changed => {}
                readable = worker.readable() => {
                    let mut heard = lock(&self.heard);
                    let received = worker.receive(|reply| heard.take(reply));
                    heard.lost |= readable.is_err() || received.is_err();
                    drop(heard);
                    self.changed.notify_waiters();
                }
            }
        }
    }

    /// Whether its container still runs, as far as Podman knows, and has not been started again.
    async fn container_runs(&self) -> bool {
        let call = self.owner.call.extended(LOOKING);
        let container = ContainerRef::from(&self.owner.container);
        match self.owner.engine.inspect(&call, &container).await {
            Ok(found) => found.status.is_live() && found.started == self.agent.container_started,
            Err(Error::NotFound { .. }) => false,
            Err(_) => true,
        }
    }

    async fn container_ends(&self) {
        while self.container_runs().await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends it and all that it started.
    pub(crate) async fn end(&self, grace: Duration) -> Termination {
        {
            let mut heard = lock(&self.heard);
            if heard.exited.is_some() || heard.failed.is_some() {
                return Termination::Complete { killed: false };
            }
            heard.terminated = None;
        }
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let Some(worker) = self.worker() else {
            return Termination::Complete { killed: false };
        };
        if worker.send_now(&Request::Terminate { grace_ms }).is_err() {
            return Termination::Unproven;
        }
        let ended = self.hear(|heard| match &heard.terminated {
            None if heard.lost => Some(Termination::Unproven),
            terminated => terminated.clone(),
        });
        match timeout(grace + ENDING, ended).await {
            Ok(ended) if ended.is_complete() => ended,
            // Somebody else's processes by now, or the agent is gone.
            _ => self.owner.end_from_outside().await,
        }
    }

    /// Gives the worker back once the command is over.
    fn release(&self) {
        let reusable = {
            let heard = lock(&self.heard);
            !heard.lost
                && (heard.failed.is_some() || heard.exited.is_some_and(|status| !status.leftovers))
        };
        if let Some(worker) = lock(&self.worker).take() {
            let worker = Arc::into_inner(worker).filter(|_| reusable);
            self.agent.give_back(worker);
        }
    }
}

impl Heard {
    fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Started if !self.started => self.started = true,
            Reply::Running if self.started => self.running = true,
            Reply::Failed(failure) if self.exited.is_none() => self.failed = Some(failure),
            Reply::Exited(status) if self.started && self.exited.is_none() => {
                self.exited = Some(status);
            }
            Reply::Terminated { killed, survivors } => {
                self.terminated = Some(if survivors.is_empty() {
                    Termination::Complete { killed }
                } else {
                    Termination::Survivors(survivors.iter().map(survivor).collect())
                });
            }
            // Out of turn: it is none of ours any more.
            _ => self.lost = true,
        }
    }
}

fn survivor(survivor: &podlane_agent::Survivor) -> Survivor {
    Survivor {
        pid: survivor.pid,
        name: String::from_utf8_lossy(&survivor.name).into_owned(),
    }
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
            running: Arc::new(Running {
                owner,
                agent: Arc::clone(agent),
                worker: Mutex::new(Some(Arc::clone(&worker))),
                heard: Mutex::default(),
                changed: Notify::new(),
            }),
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
            Some(Failure::Other(EAGAIN | ENOMEM | ENFILE | EMFILE)) => Some(Begun::NoRoom),
            Some(_) => Some(Begun::Yes),
            None if heard.running => Some(Begun::Yes),
            // What was about to be started may have been.
            None if heard.lost && heard.started => Some(Begun::Yes),
            None => heard.lost.then_some(Begun::NoRoom),
        });
        begun.await
    }

    /// Its worker finds its socket closed before it starts anything.
    pub(super) fn give_up(self) {
        drop(lock(&self.running.worker).take());
        lock(&self.running.heard).lost = true;
        self.running.agent.give_back(None);
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
        self.vanished = Some(Exit {
            code: 128 + Signal::KILL.number(),
            signal: Some(Signal::KILL.number()),
            usage: None,
        });
        Ok(None)
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

/// Whose command it is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) engine: PodmanEngine,
    pub(super) call: Call,
    pub(super) container: ContainerId,
    pub(super) mark: Attempt,
}

impl Owner {
    /// Ends what the agent can't, or no longer can, as this host sees it.
    async fn end_from_outside(&self) -> Termination {
        let call = self.call.extended(LOOKING);
        self.engine
            .end_marked(&call, &self.container, &self.mark)
            .await
    }
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

fn terminal(size: TerminalSize) -> Terminal {
    Terminal {
        columns: size.columns,
        rows: size.rows,
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let over = {
            let heard = lock(&self.running.heard);
            heard.exited.is_some() || heard.failed.is_some() || heard.lost
        };
        if over {
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

/// What is known after the agent has gone.
fn lost() -> Error {
    Error::Failed {
        step: "running the command".into(),
        message: "its agent in the container was killed; how far it came is unknown, and what was left of it is ended"
            .into(),
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
                (None, None) if !heard.lost => None,
                end => Some(end),
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
                (Some(failure), _) => self.failure = Some(start_failure(failure)),
                (None, None) => return self.vanish().await,
                (None, Some(_)) => {
                    for (_, output) in &mut self.outputs {
                        output.ended();
                    }
                    // All that it wrote is in the pipes by now.
                    return self.read().map_err(broken);
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
        let exited = lock(&self.running.heard).exited;
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

#[async_trait]
impl Control for Running {
    async fn signal(&self, signal: Signal) -> Result<()> {
        let number = u8::try_from(signal.number()).unwrap_or_default();
        self.tell(&Request::Signal(number))
    }

    async fn resize(&self, size: TerminalSize) -> Result<()> {
        self.tell(&Request::Resize(terminal(size)))
    }

    async fn terminate(&self, grace: Duration) -> Termination {
        self.end(grace).await
    }
}

impl Running {
    /// Under the lock: once its end has been heard, the worker may serve another command.
    fn tell(&self, request: &Request) -> Result<()> {
        let heard = lock(&self.heard);
        let worker = self
            .worker()
            .filter(|_| heard.exited.is_none() && heard.failed.is_none());
        let Some(worker) = worker else {
            return Err(Error::WrongState {
                message: "the command has ended".into(),
            });
        };
        worker.send_now(request).map_err(|_error| lost())
    }
}
