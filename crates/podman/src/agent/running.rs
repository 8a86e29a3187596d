//! What can be done to an agent's command while it is read.

use super::Agent;
use super::link::Worker;
use crate::PodmanEngine;
use crate::instance::Attempt;
use async_trait::async_trait;
use podlane_agent::{Failure, Reply, Request, Status, Terminal};
use podlane_engine::{
    Call, ContainerId, ContainerRef, Control, Engine, Error, Result, Signal,
    Status as ContainerStatus, Survivor, TerminalSize, Termination,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How much longer than its grace an end may take: the agent itself gives up after five seconds.
const ENDING: Duration = Duration::from_secs(8);
/// How long a look from outside may take.
const LOOKING: Duration = Duration::from_secs(10);
/// How long most ends take at most; what takes longer may be frozen with its container.
const PROMPT: Duration = Duration::from_millis(200);
/// How often that is looked at, at least.
const SELDOM: Duration = Duration::from_secs(1);
/// How often Podman is asked whether a container has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// What can be done to it while it is read.
#[derive(Debug)]
pub(crate) struct Running {
    pub(super) owner: Owner,
    pub(super) agent: Arc<Agent>,
    /// `None` once it has been given back.
    worker: Mutex<Option<Arc<Worker>>>,
    heard: Mutex<Heard>,
    changed: Notify,
}

/// How far its start has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Waiting,
    /// It is about to run, or to fail.
    Started,
    Running,
}

/// What the worker has said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) stage: Stage,
    pub(super) failed: Option<Failure>,
    pub(super) exited: Option<Status>,
    terminated: Option<Termination>,
    /// It was killed from outside, and its worker can't say so while the container is paused.
    pub(super) killed: bool,
    pub(super) lost: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    pub(super) fn new(owner: Owner, agent: Arc<Agent>, worker: Arc<Worker>) -> Self {
        Self {
            owner,
            agent,
            worker: Mutex::new(Some(worker)),
            heard: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn worker(&self) -> Option<Arc<Worker>> {
        lock(&self.worker).clone()
    }

    /// Waits until `wanted` has something to say of what was heard. Cancel safe, and any number of tasks
    /// may wait.
    pub(super) async fn hear<T>(&self, mut wanted: impl FnMut(&Heard) -> Option<T>) -> T {
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
    pub(super) async fn container_runs(&self) -> bool {
        let call = self.owner.call.extended(LOOKING);
        let container = ContainerRef::from(&self.owner.container);
        match self.owner.engine.inspect(&call, &container).await {
            Ok(found) => found.status.is_live() && found.started == self.agent.container_started,
            Err(Error::NotFound { .. }) => false,
            Err(_) => true,
        }
    }

    pub(super) async fn container_ends(&self) {
        while self.container_runs().await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends it and all that it started.
    pub(crate) async fn end(&self, grace: Duration) -> Termination {
        {
            let mut heard = lock(&self.heard);
            if heard.is_over() {
                let killed = heard.killed;
                return Termination::Complete { killed };
            }
            heard.terminated = None;
        }
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let Some(worker) = self.worker() else {
            return Termination::Complete { killed: false };
        };
        if worker.send_now(&Request::Terminate { grace_ms }).is_err() {
            // It takes nothing more, as in a container that is paused.
            return self.end_paused().await;
        }
        let ended = self.hear(|heard| match &heard.terminated {
            None if heard.lost => Some(Termination::Unproven),
            terminated => terminated.clone(),
        });
        let ended = async {
            tokio::select! {
                biased;
                ended = ended => Some(ended),
                () = self.container_pauses() => None,
            }
        };
        match timeout(grace + ENDING, ended).await {
            Ok(Some(ended)) if ended.is_complete() => ended,
            Ok(None) => self.end_paused().await,
            // Somebody else's processes by now, or the agent is gone.
            _ => self.owner.end_from_outside().await,
        }
    }

    /// Ends it while its container is paused, and the agent with it.
    async fn end_paused(&self) -> Termination {
        let ended = self.owner.end_from_outside().await;
        if ended.is_complete() {
            lock(&self.heard).killed = true;
            self.changed.notify_waiters();
        }
        ended
    }

    /// Waits until its container is found paused, if it ever is.
    async fn container_pauses(&self) {
        let container = ContainerRef::from(&self.owner.container);
        let mut pause = PROMPT;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SELDOM);
            let call = self.owner.call.extended(LOOKING);
            let found = self.owner.engine.inspect(&call, &container).await;
            if found.is_ok_and(|found| found.status == ContainerStatus::Paused) {
                return;
            }
        }
    }

    /// Whether nothing more is to be heard of it.
    pub(super) fn is_over(&self) -> bool {
        let heard = lock(&self.heard);
        heard.is_over() || heard.lost
    }

    /// How it ended, if that has been heard.
    pub(super) fn exited(&self) -> Option<Status> {
        lock(&self.heard).exited
    }

    /// Its worker finds its socket closed before it starts anything.
    pub(super) fn give_up(&self) {
        drop(lock(&self.worker).take());
        lock(&self.heard).lost = true;
        self.agent.give_back(None);
    }

    /// Gives the worker back once the command is over.
    pub(super) fn release(&self) {
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
    /// Whether nothing of it runs any more.
    fn is_over(&self) -> bool {
        self.exited.is_some() || self.failed.is_some() || self.killed
    }

    fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Started if self.stage == Stage::Waiting => self.stage = Stage::Started,
            Reply::Running if self.stage != Stage::Waiting => self.stage = Stage::Running,
            Reply::Failed(failure) if self.exited.is_none() => self.failed = Some(failure),
            Reply::Exited(status) if self.stage != Stage::Waiting && self.exited.is_none() => {
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
        paused: false,
        name: String::from_utf8_lossy(&survivor.name).into_owned(),
    }
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
    pub(super) async fn end_from_outside(&self) -> Termination {
        let call = self.call.extended(LOOKING);
        self.engine
            .end_marked(&call, &self.container, &self.mark)
            .await
    }
}

pub(super) fn terminal(size: TerminalSize) -> Terminal {
    Terminal {
        columns: size.columns,
        rows: size.rows,
    }
}

/// What is known after the agent has gone.
pub(super) fn lost() -> Error {
    Error::Failed {
        step: "running the command".into(),
        message: "its agent in the container was killed; how far it came is unknown, and what was left of it is ended"
            .into(),
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
        let worker = self.worker().filter(|_| !heard.is_over());
        let Some(worker) = worker else {
            return Err(Error::WrongState {
                message: "the command has ended".into(),
            });
        };
        worker.send_now(request).map_err(|_error| lost())
    }
}
