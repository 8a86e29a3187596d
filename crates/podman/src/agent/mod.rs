//! Agents in containers: which there are, and when one is started, used or given up.
//!
//! One agent per container and user, started by the engine as that user. What it is and speaks stands in
//! the crate `podlane-agent`. There are two ways to one: descriptors that the podman command hands over,
//! where it can be used, else one stream through the engine.

mod attach;
mod exec;
mod link;
mod names;
mod pipes;
mod process;
mod program;
mod running;
mod socket;
mod stream;

pub(crate) use exec::{AGENT_LABEL, AGENT_OFF, agent_may_run};

use crate::events::Mark;
use link::{Link, Worker};
use names::Names;
use podlane_engine::{ContainerId, ContainerRef, UserSpec};
use program::Program;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Agents at once on this host; past that the one idle for longest ends.
const MAX_AGENTS: usize = 256;
/// An agent that has nothing to do ends after this.
const IDLE: Duration = Duration::from_secs(300);
/// Workers of one agent that are kept while they have nothing to do.
const MAX_IDLE_WORKERS: usize = 32;
/// How long a container is left alone in which an agent could not be started.
const REFUSED: Duration = Duration::from_secs(10);
/// How long the podman command is not tried again for a user in a container where it has failed.
const AVOIDED: Duration = Duration::from_secs(60);

/// The commands of one user in one container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    container: ContainerId,
    user: Option<String>,
}

impl Key {
    fn new(container: &ContainerId, user: Option<&UserSpec>) -> Self {
        Self {
            container: container.clone(),
            user: user.map(|user| user.as_str().to_owned()),
        }
    }
}

/// An agent that is being started, or was. `None`: it could not be.
type Slot = Arc<OnceCell<Option<Arc<Agent>>>>;

/// The agents of one engine.
#[derive(Debug)]
pub(crate) struct Agents {
    program: &'static [u8],
    podman: Option<PodmanCommand>,
    slots: Mutex<HashMap<Key, Slot>>,
    names: Names,
}

/// The podman command, which can hand descriptors over.
#[derive(Debug)]
struct PodmanCommand {
    path: PathBuf,
    /// The agents' program, once one is started: it is large.
    program: OnceCell<Program>,
    /// What makes it one with the service, once that has been asked.
    options: OnceCell<Vec<String>>,
    /// For whom it has failed, and when: a user that there is not takes it from nobody else.
    failed: Mutex<HashMap<Key, Instant>>,
}

/// An agent that runs.
#[derive(Debug)]
pub(crate) struct Agent {
    key: Key,
    link: Link,
    /// Since when its container runs: a restarted one is another.
    container_started: Option<String>,
    /// Not to be used any more.
    over: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    idle: Vec<Worker>,
    busy: usize,
    used: Instant,
}

impl Agents {
    /// Whether they can get descriptors, by the podman command.
    pub(crate) fn gives_descriptors(&self) -> bool {
        self.podman.is_some()
    }

    pub(crate) fn new(program: &'static [u8], podman: Option<PathBuf>) -> Self {
        Self {
            program,
            podman: podman.map(PodmanCommand::new),
            slots: Mutex::default(),
            names: Names::default(),
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is an agent for a user's commands.
    pub(crate) fn serves(&self, container: &ContainerId, user: Option<&UserSpec>) -> bool {
        let key = Key::new(container, user);
        let slots = self.slots();
        let agent = slots.get(&key).and_then(|slot| slot.get());
        agent.is_some_and(|agent| {
            agent
                .as_ref()
                .is_some_and(|agent| !agent.over.is_cancelled())
        })
    }

    /// The agent for a user's commands, started if there is none; `None` if there can't be one.
    async fn get(
        self: &Arc<Self>,
        container: &ContainerId,
        user: Option<&UserSpec>,
        start: impl AsyncFnOnce() -> io::Result<(Link, Option<String>)>,
    ) -> Option<Arc<Agent>> {
        let key = Key::new(container, user);
        let slot = Arc::clone(self.slots().entry(key.clone()).or_default());
        let start = || async {
            self.make_room();
            match start().await {
                Ok((link, started)) => Some(self.introduce(key.clone(), link, started)),
                Err(error) => {
                    tracing::debug!(container = container.short(), %error, "no agent could be started");
                    if error.kind() == io::ErrorKind::NotConnected {
                        // It did not run, which may be different in a moment.
                        self.forget_slot(&key, &slot);
                    } else {
                        self.forget_later(key.clone(), &slot);
                    }
                    None
                }
            }
        };
        slot.get_or_init(start).await.clone()
    }

    /// A new agent, forgotten when it ends, and ended when it has long had nothing to do.
    fn introduce(
        self: &Arc<Self>,
        key: Key,
        link: Link,
        container_started: Option<String>,
    ) -> Arc<Agent> {
        let agent = Arc::new(Agent {
            key,
            link,
            container_started,
            over: CancellationToken::new(),
            state: Mutex::new(State {
                idle: Vec::new(),
                busy: 0,
                used: Instant::now(),
            }),
        });
        let (agents, watched) = (Arc::downgrade(self), Arc::clone(&agent));
        tokio::spawn(async move {
            watched.until_over().await;
            watched.over.cancel();
            watched.state().idle.clear();
            if let Some(agents) = Weak::upgrade(&agents) {
                agents.forget(&watched);
            }
        });
        agent
    }

    fn forget(&self, agent: &Arc<Agent>) {
        self.names.forget(&agent.key.container);
        let is_it = |slot: &Slot| {
            let known = slot.get().and_then(Option::as_ref);
            known.is_some_and(|known| Arc::ptr_eq(known, agent))
        };
        let mut slots = self.slots();
        if slots.get(&agent.key).is_some_and(is_it) {
            slots.remove(&agent.key);
        }
    }

    /// Lets agents be started in a container at once where that has failed.
    fn try_again(&self, container: &ContainerId) {
        let failed = |slot: &Slot| matches!(slot.get(), Some(None));
        self.slots()
            .retain(|key, slot| key.container != *container || !failed(slot));
        if let Some(podman) = &self.podman {
            let mut failed = podman.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.retain(|key, _| key.container != *container);
        }
    }

    /// Ends an agent that is of no use, and leaves its container alone for a while.
    fn refuse(self: &Arc<Self>, agent: &Arc<Agent>) {
        agent.over.cancel();
        let slot = Slot::default();
        // Nobody else has it yet.
        let _ = slot.set(None);
        self.slots().insert(agent.key.clone(), Arc::clone(&slot));
        self.forget_later(agent.key.clone(), &slot);
    }

    /// Lets an agent be tried again after a while.
    fn forget_later(self: &Arc<Self>, key: Key, slot: &Slot) {
        let (agents, slot) = (Arc::downgrade(self), Arc::clone(slot));
        tokio::spawn(async move {
            tokio::time::sleep(REFUSED).await;
            if let Some(agents) = Weak::upgrade(&agents) {
                agents.forget_slot(&key, &slot);
            }
        });
    }

    fn forget_slot(&self, key: &Key, slot: &Slot) {
        let mut slots = self.slots();
        if slots.get(key).is_some_and(|now| Arc::ptr_eq(now, slot)) {
            slots.remove(key);
        }
    }

    /// Ends the agent that has been idle for longest, if there are as many as there may be.
    fn make_room(&self) {
        let mut slots = self.slots();
        if slots.len() <= MAX_AGENTS {
            return;
        }
        let running = slots.iter().filter_map(|(key, slot)| {
            let agent = slot.get()?.as_ref()?;
            let state = agent.state();
            (state.busy == 0).then(|| (state.used, key.clone()))
        });
        if let Some((_, key)) = running.min_by_key(|(used, _)| *used)
            && let Some(slot) = slots.remove(&key)
            && let Some(Some(agent)) = slot.get()
        {
            agent.over.cancel();
        }
    }

    /// Whether commands of that container are run by an agent now.
    fn has(&self, container: &ContainerId) -> bool {
        let slots = self.slots();
        let mut running = slots.iter().filter(|(key, _)| key.container == *container);
        running.any(|(_, slot)| {
            let agent = slot.get().and_then(Option::as_ref);
            agent.is_some_and(|agent| !agent.over.is_cancelled())
        })
    }

    /// Names have changed.
    pub(crate) fn renamed(&self) {
        self.names.forget_all();
    }

    /// The ID of a container that an agent runs in, if the name was looked up a short time ago. `now` is what has
    /// happened at the engine.
    pub(crate) fn resolve(&self, name: &ContainerRef, now: Option<Mark>) -> names::Known {
        self.names.get(name, now, |id| self.has(id))
    }
}

impl PodmanCommand {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            program: OnceCell::new(),
            options: OnceCell::new(),
            failed: Mutex::default(),
        }
    }

    /// Starts an agent that has descriptors of ours. `find` tells the options, and is asked once.
    async fn start(
        &self,
        program: &[u8],
        id: &ContainerId,
        user: Option<&UserSpec>,
        find: impl AsyncFnOnce() -> Option<Vec<String>>,
    ) -> io::Result<Link> {
        let key = Key::new(id, user);
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed().retain(|_, since| since.elapsed() < AVOIDED);
        if failed().contains_key(&key) {
            return Err(io::Error::other("the podman command has failed there"));
        }
        let options = self
            .options
            .get_or_try_init(|| async { find().await.ok_or(io::ErrorKind::NotConnected) });
        let options = options.await?;
        let made = self.program.get_or_try_init(async || Program::new(program));
        let program = made.await?;
        let start = || program.start(&self.path, options, id, user);
        let mut started = start().await;
        if matches!(&started, Err(error) if error.kind() != io::ErrorKind::TimedOut) {
            // Podman's own processes can have been in each other's way.
            started = start().await;
        }
        if let Err(error) = &started {
            tracing::debug!(container = id.short(), %error, "the podman command starts no agent");
            failed().insert(key, Instant::now());
        }
        started.map(Link::Descriptors)
    }
}

impl Agent {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has gone, or has had nothing to do for long.
    async fn until_over(&self) {
        loop {
            let idle_until = {
                let state = self.state();
                let from = if state.busy > 0 {
                    Instant::now()
                } else {
                    state.used
                };
                from + IDLE
            };
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.link.gone() => return,
                () = sleep_until(idle_until.min(Instant::now() + IDLE / 10)) => {
                    if Instant::now() >= idle_until {
                        return;
                    }
                }
            }
        }
    }

    /// A worker with nothing to do. It is counted as busy until it is given back or counted off.
    async fn worker(&self) -> io::Result<Worker> {
        loop {
            if self.over.is_cancelled() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            let idle = {
                let mut state = self.state();
                state.used = Instant::now();
                state.idle.pop()
            };
            match idle {
                Some(worker) if worker.is_closed() => {}
                Some(worker) => {
                    self.state().busy += 1;
                    return Ok(worker);
                }
                None => break,
            }
        }
        let worker = self.link.worker().await?;
        self.state().busy += 1;
        Ok(worker)
    }

    /// Takes a worker back, if it can be used again.
    fn give_back(&self, worker: Option<Worker>) {
        let mut state = self.state();
        state.busy = state.busy.saturating_sub(1);
        state.used = Instant::now();
        if !self.over.is_cancelled() && state.idle.len() < MAX_IDLE_WORKERS {
            state.idle.extend(worker);
        }
    }
}
