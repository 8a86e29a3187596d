//! A view of all containers, from which lists are answered: the engine's own list costs it up to half a
//! millisecond a container, each time.
//!
//! What the engine tells and what we change marks rows as out of date, and a reader waits until the engine
//! has been asked for those that were marked when it came. So a list shows all that was changed through us
//! before it was asked for, and all that was told. While the engine tells nothing, all is always out of date.

mod rows;
mod state;
#[cfg(test)]
mod tests;

pub use rows::{Row, Rows, Told};

use crate::{Call, Result, Service};
use podlane_engine::{ContainerId, EngineEvent, Error as EngineError, Resource};
use state::{Found, Outcome, Reading, Round, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

/// How long after the last list the engine is still listened to.
const REST: Duration = Duration::from_secs(300);
/// What happens to a container and changes nothing in its row. What Podman may call its events is in
/// `libpod/events/config.go`.
const UNSEEN: [&str; 8] = [
    "attach",
    "exec",
    "exec_died",
    "export",
    "health_status",
    "mount",
    "prune",
    "unmount",
];

/// The view.
#[derive(Debug)]
pub(crate) struct View {
    state: Mutex<State>,
    /// Told at the end of each round.
    ended: watch::Sender<()>,
    /// Told if the engine seems not to tell what happens.
    doubt: Notify,
}

impl Default for View {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            ended: watch::Sender::new(()),
            doubt: Notify::new(),
        }
    }
}

impl View {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine begins to tell what happens, or does not tell it any more.
    pub(crate) fn connect(&self, live: bool) {
        self.state().connect(live);
    }

    /// The engine tells something.
    pub(crate) fn hear(&self, event: &EngineEvent) {
        if event.kind != "container" || UNSEEN.contains(&event.action.as_str()) {
            return;
        }
        match ContainerId::parse(&event.id) {
            Ok(id) => self.state().hear(&id, Instant::now()),
            Err(_) => self.state().mark_all(),
        }
    }

    /// Waits until the engine seems not to tell what happens. Cancel safe.
    pub(crate) async fn doubts(&self) {
        self.doubt.notified().await;
    }

    /// Whether somebody has read it not long ago.
    pub(crate) fn is_used(&self) -> bool {
        let read = self.state().last_read();
        read.is_some_and(|read| read.elapsed() < REST)
    }

    /// Marks what is going to be changed, once it is or can't be told any more: any container, unless it is
    /// said which.
    pub(crate) fn changing(self: &Arc<Self>) -> Changing {
        Changing {
            view: Arc::clone(self),
            only: Vec::new(),
        }
    }
}

/// A change under way. Lists that are asked for after it show it.
#[derive(Debug)]
pub(crate) struct Changing {
    view: Arc<View>,
    only: Vec<ContainerId>,
}

impl Changing {
    /// A change of one container.
    pub(crate) fn of(mut self, id: &ContainerId) -> Self {
        self.is_of(id);
        self
    }

    /// It is of this container, and of no other that was not said.
    pub(crate) fn is_of(&mut self, id: &ContainerId) {
        self.only.push(id.clone());
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        let mut state = self.view.state();
        if self.only.is_empty() {
            state.mark_all();
        }
        for id in &self.only {
            state.mark(id);
        }
    }
}

/// Who makes rounds; whatever ends that, nobody waits for it afterwards.
struct Rounds {
    view: Arc<View>,
    done: bool,
}

impl Drop for Rounds {
    fn drop(&mut self) {
        if !self.done {
            self.view.state().abandon();
            self.view.ended.send_replace(());
        }
    }
}

impl Service {
    /// All containers as they are now.
    pub(crate) async fn rows(&self, call: &Call) -> Result<Arc<Rows>> {
        let view = &self.0.view;
        let (reading, live) = {
            let mut state = view.state();
            (state.read(Instant::now()), state.is_live())
        };
        if !live {
            self.listen(call);
        }
        let need = match reading {
            Reading::Rows(rows, anew) => {
                if anew {
                    self.0.tasks.spawn(self.clone().list_anew(call.clone()));
                }
                return Ok(rows);
            }
            Reading::Wait(need, employ) => {
                if employ {
                    self.0.tasks.spawn(self.clone().make_rounds(call.clone()));
                }
                need
            }
        };
        match timeout_at(call.deadline, view.wait(need)).await {
            Ok(Some(rows)) => Ok(rows),
            // The engine says why not.
            Ok(None) => {
                let _worker = self.0.gate.enter(call).await?;
                Ok(Arc::new(Rows::listed(self.0.engine.list(call).await?)))
            }
            Err(_elapsed) => {
                let step = "listing the containers".into();
                let limit = call.limit;
                Err(EngineError::Timeout { step, limit }.into())
            }
        }
    }

    /// Asks the engine for what is out of date, until nobody waits for it.
    async fn make_rounds(self, call: Call) {
        let view = Arc::clone(&self.0.view);
        let mut rounds = Rounds {
            view: Arc::clone(&view),
            done: false,
        };
        while !view.state().is_idle() {
            let call = call.extended(self.0.limits.request_timeout);
            tokio::select! {
                () = self.make_round(&call) => {}
                () = self.0.stopping.cancelled() => return,
            }
            view.ended.send_replace(());
        }
        rounds.done = true;
    }

    async fn make_round(&self, call: &Call) {
        let view = &self.0.view;
        let _worker = match self.0.gate.enter(call).await {
            Ok(worker) => worker,
            Err(_busy) => return view.state().give_up(),
        };
        let round = view.state().begin(Instant::now());
        let found = self.find_out(call, &round).await;
        if let Err(error) = &found {
            tracing::debug!(%error, "the view of the containers could not be brought up to date");
        }
        view.state().end(round, found.ok());
    }

    /// Lists all beside the rounds, for what is never told. Nobody waits for it.
    async fn list_anew(self, call: Call) {
        let call = call.extended(self.0.limits.request_timeout);
        let list = async {
            let _worker = self.0.gate.enter(&call).await.ok()?;
            self.0.engine.list(&call).await.ok()
        };
        let all = tokio::select! {
            all = list => all,
            () = self.0.stopping.cancelled() => None,
        };
        let view = &self.0.view;
        let all = all.map(|all| all.into_iter().map(Row::new).collect());
        if view.state().end_aside(all) {
            tracing::warn!("the engine does not tell what happens; it is asked to anew");
            view.doubt.notify_waiters();
        }
    }

    async fn find_out(&self, call: &Call, round: &Round) -> Result<Found, EngineError> {
        let engine = &self.0.engine;
        let mut found = Found::default();
        if round.all {
            let all = engine.list(call).await?;
            found.all = Some(all.into_iter().map(Row::new).collect());
        }
        for id in &round.some {
            let row = match engine.inspect(call, &id.into()).await {
                Ok(container) => Some(Row::new(container.summary())),
                Err(EngineError::NotFound {
                    resource: Resource::Container,
                    ..
                }) => None,
                Err(error) => return Err(error),
            };
            found.some.push((id.clone(), row));
        }
        Ok(found)
    }
}

impl View {
    /// Waits for rows as of a mark; `None` if the engine could not be asked.
    async fn wait(&self, need: u64) -> Option<Arc<Rows>> {
        let mut ended = self.ended.subscribe();
        loop {
            match self.state().look(need) {
                Outcome::Rows(rows) => return Some(rows),
                Outcome::Failed => return None,
                Outcome::Pending => {}
            }
            ended.changed().await.ok()?;
        }
    }
}
