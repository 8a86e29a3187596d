//! The one task that ends containers whose time is up.
//!
//! It sleeps until the next of them, and looks once in a while for what was made, started or removed without
//! this server.

use super::Reason;
use super::label::LIFE_LABEL;
use super::life::{Found, Life, Need};
use crate::{Call, Error, Result, Service};
use podlane_engine::{ContainerId, Error as EngineError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, sleep_until};

/// The time between two sweeps. A step of the clock is noticed by then.
const SWEEP: Duration = Duration::from_secs(60);
/// The pause after a sweep that failed: at first, and then twice as long, up to that.
const AGAIN: Duration = Duration::from_millis(500);
/// The least time between two rounds, and between two looks at processor times.
const PACE: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

impl Service {
    /// Ends containers whose time is up, until the server stops; at once those whose time was up before it
    /// started. `call` says who does it.
    pub fn keep_time(&self, call: Call) {
        let service = self.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = service.reap(&call) => {}
                () = service.0.stopping.cancelled() => {}
            }
        });
    }

    async fn reap(&self, call: &Call) {
        let (mut sweep, mut again) = (Instant::now(), AGAIN);
        let mut looked = None;
        loop {
            if sweep <= Instant::now() {
                let call = call.extended(self.0.limits.request_timeout);
                let pause = match self.sweep(&call).await {
                    Ok(()) => {
                        again = AGAIN;
                        SWEEP
                    }
                    Err(error) => {
                        tracing::debug!(%error, "can't look for containers whose time is up yet");
                        again = SWEEP.min(again * 2);
                        again
                    }
                };
                sweep = Instant::now() + pause;
            }
            let next = self.round(call, &mut looked).await;
            sleep(PACE).await;
            tokio::select! {
                () = sleep_until(next.map_or(sweep, |next| next.min(sweep))) => {}
                () = self.0.lives.changed.notified() => {}
            }
        }
    }

    /// Looks at all containers: gets to know new ones, and forgets those that are gone.
    async fn sweep(&self, call: &Call) -> Result<()> {
        let lives = &self.0.lives;
        let mut gone = lives.ids();
        let listed = {
            let _worker = self.0.gate.enter(call).await?;
            self.0.engine.list(call).await?
        };
        for container in listed {
            gone.remove(&container.id);
            if !container.labels.contains_key(LIFE_LABEL) {
                continue;
            }
            let known = {
                let _worker = self.0.gate.enter(call).await?;
                self.life(call, &container.id, &container.labels).await
            };
            match known {
                Ok(Some(life)) if container.status.is_live() => life.seen_alive(),
                Ok(_) | Err(Error::Engine(EngineError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        for id in &gone {
            lives.forget(id);
        }
        lives.ask(|kept| kept.forget(SystemTime::now())).await
    }

    /// Does what is due, and says when the next thing will be.
    async fn round(&self, call: &Call, looked: &mut Option<Instant>) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        let mut idle = Vec::new();
        for (id, life) in self.0.lives.all() {
            match life.need() {
                Need::Wait(until) => next = Some(next.map_or(until, |next| next.min(until))),
                Need::Nothing => {}
                Need::Look => idle.push((id, life)),
                Need::End(reason) => self.begin_end(call, id, life, reason),
            }
        }
        if idle.is_empty() {
            return next;
        }
        let now = Instant::now();
        if let Some(wait) = looked
            .map(|looked| looked + LOOK)
            .filter(|wait| *wait > now)
        {
            return Some(next.map_or(wait, |next| next.min(wait)));
        }
        *looked = Some(now);
        self.look(call, idle).await;
        Some(Instant::now())
    }

    /// Asks once what all containers have used, and begins the ends of those that are idle.
    async fn look(&self, call: &Call, idle: Vec<(ContainerId, Arc<Life>)>) {
        let call = call.extended(self.0.limits.request_timeout);
        let measured = async {
            let _worker = self.0.gate.enter(&call).await?;
            Ok::<_, Error>(self.0.engine.stats(&call, None).await?)
        };
        let measured = match measured.await {
            Ok(measured) => measured.into_iter(),
            Err(error) => {
                tracing::warn!(%error, containers = idle.len(), "can't see whether containers are idle, so they stay");
                for (_, life) in idle {
                    life.unseen();
                }
                return;
            }
        };
        let measured: HashMap<_, _> = measured.map(|one| (one.id, one.cpu_time)).collect();
        for (id, life) in idle {
            // What does not run is not among them, and uses nothing.
            let used = measured.get(&id).copied().unwrap_or_default();
            if life.measure(used) == Found::Idle {
                self.begin_end(&call, id, life, Reason::Idle);
            }
        }
    }
}
