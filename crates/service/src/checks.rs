//! Health checks of containers, run by us where the engine has nobody who does: Podman leaves that to
//! systemd's timers.
//!
//! Each container that has a check gets a task, from when it is seen until it does not run any more. It runs
//! the check, waits the container's interval and runs it again; so there are never two at once.

use crate::events::EventReader;
use crate::{Call, EventFilter, Result, Service};
use podlane_engine::{ContainerId, Error as EngineError, Healthcheck};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How many containers are seen to at most.
const MOST: usize = 1000;
/// How many checks are begun at once at most: each starts a process.
const AT_ONCE: usize = 8;
/// How often is looked for containers that no event has told of.
const LOOK: Duration = Duration::from_secs(60);
/// How long is waited for more events before it is looked: containers often start in groups.
const GATHER: Duration = Duration::from_millis(200);
/// The pause before the engine is asked again that was not there.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a check that does not end is waited for. It can't be ended, so none is begun beside it.
const LONG: Duration = Duration::from_secs(3600);

impl Service {
    /// Sees to it that health checks are run, until the server stops. To be called once, when it starts.
    pub fn keep_checking(&self, call: &Call) {
        let (service, call) = (self.clone(), call.clone());
        let stopping = self.0.stopping.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = service.see_to_checks(call) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    async fn see_to_checks(&self, call: Call) {
        let limit = self.0.limits.request_timeout;
        loop {
            match self.0.engine.info(&call.extended(limit)).await {
                Ok(info) if info.runs_checks => return,
                Ok(_) => break,
                Err(error) => tracing::debug!(%error, "can't tell who runs health checks yet"),
            }
            sleep(AGAIN).await;
        }
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut seen: HashMap<ContainerId, JoinHandle<()>> = HashMap::new();
        let started = EventFilter {
            kinds: vec!["container".into()],
            actions: ["start", "restart", "unpause"].map(Into::into).into(),
            subject: None,
        };
        let mut events = self.own_events(&call, started.clone(), None);
        loop {
            seen.retain(|_, task| !task.is_finished());
            match self.0.engine.checked(&call.extended(limit)).await {
                Ok(ids) => {
                    for id in ids {
                        if seen.len() < MOST && !seen.contains_key(&id) {
                            let task =
                                self.clone()
                                    .check_one(call.clone(), id.clone(), Arc::clone(&room));
                            seen.insert(id, self.0.tasks.spawn(stop_with(self, task)));
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "can't look for health checks now"),
            }
            if let Err(error) = wait_for_a_start(&mut events).await {
                tracing::debug!(%error, "can't be told of starts");
                sleep(AGAIN).await;
                events = self.own_events(&call, started.clone(), None);
            }
        }
    }

    /// Runs a container's check again and again, as long as it runs.
    async fn check_one(self, call: Call, id: ContainerId, room: Arc<Semaphore>) {
        let limit = self.0.limits.request_timeout;
        loop {
            let found = self
                .0
                .engine
                .inspect(&call.extended(limit), &(&id).into())
                .await;
            let check = match found {
                Ok(container) if container.status.is_live() => container.settings.healthcheck,
                Ok(_) | Err(EngineError::NotFound { .. }) => return,
                Err(error) => {
                    tracing::debug!(container = id.short(), %error, "can't look at a container with a health check");
                    sleep(AGAIN).await;
                    continue;
                }
            };
            // Without an interval only whoever wants to know runs it.
            let Some(check) = check.filter(|check| !check.interval.is_zero()) else {
                return;
            };
            match self.check_once(&call, &id, &check, &room).await {
                Ok(well) => tracing::debug!(container = id.short(), well, "a health check was run"),
                Err(error) => {
                    tracing::debug!(container = id.short(), %error, "a health check could not be run");
                }
            }
            sleep(check.interval).await;
        }
    }

    async fn check_once(
        &self,
        call: &Call,
        id: &ContainerId,
        check: &Healthcheck,
        room: &Semaphore,
    ) -> Result<bool> {
        let place = room.acquire().await;
        let call = call.extended(LONG.max(check.timeout));
        let mut running = self.0.engine.check(&call, id);
        let ended = timeout(check.timeout, &mut running).await;
        // One that hangs does not keep the others from theirs.
        drop(place);
        match ended {
            Ok(ended) => Ok(ended?),
            Err(_elapsed) => Ok(running.await?),
        }
    }
}

/// The task, as long as the server does not stop.
fn stop_with(
    service: &Service,
    task: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let stopping = service.0.stopping.clone();
    async move {
        tokio::select! {
            () = task => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// Comes back when a container has started, and now and then.
async fn wait_for_a_start(events: &mut EventReader) -> Result<()> {
    if let Ok(told) = timeout(LOOK, events.next()).await {
        told?;
        let more = async { while events.next().await.is_ok() {} };
        let _gathered = timeout(GATHER, more).await;
    }
    Ok(())
}
