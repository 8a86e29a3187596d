//! What containers use, told again and again to any number of readers from one question to the engine.

use crate::load::Load;
use crate::places::Place;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{ContainerId, ContainerRef, Error as EngineError, Stats};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval};

/// The time between two measurements.
const PACE: Duration = Duration::from_secs(1);

type Sample = Arc<Vec<Stats>>;

/// The one round of measurements, while somebody reads it.
pub(crate) type Rounds = Arc<Mutex<Option<Sender<Sample>>>>;

/// A reader of measurements.
pub struct StatsReader {
    service: Service,
    call: Call,
    only: Option<ContainerId>,
    receiver: Receiver<Sample>,
    _place: Place,
}

impl fmt::Debug for StatsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsReader")
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Begins to measure one running container, or all, about once a second.
    pub async fn stream_stats(
        &self,
        call: &Call,
        name: Option<&ContainerRef>,
    ) -> Result<StatsReader> {
        call.may(Scope::ContainersRead)?;
        let place = self.0.streams.take()?;
        let only = match name {
            None => None,
            Some(name) => {
                let _worker = self.0.gate.enter(call).await?;
                let container = self.find(call, name).await?;
                if !container.status.is_live() {
                    return Err(Error::Conflict {
                        message: "the container is not running; start it first".into(),
                    });
                }
                Some(container.id)
            }
        };
        Ok(StatsReader {
            receiver: self.join_rounds(call),
            service: self.clone(),
            call: call.clone(),
            only,
            _place: place,
        })
    }

    fn join_rounds(&self, call: &Call) -> Receiver<Sample> {
        let mut rounds = self.0.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*rounds {
            return sender.subscribe();
        }
        // Whoever is behind misses a round, and nothing that the next one does not say.
        let (sender, receiver) = broadcast::channel(2);
        *rounds = Some(sender);
        self.0
            .tasks
            .spawn(measure(Arc::downgrade(&self.0), call.clone()));
        receiver
    }
}

/// Measures all containers for as long as somebody reads it.
async fn measure(service: Weak<crate::Inner>, call: Call) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut load = Load::default();
    loop {
        let Some(inner) = service.upgrade() else {
            return;
        };
        let stopping = inner.stopping.clone();
        tokio::select! {
            _ = pace.tick() => {}
            () = stopping.cancelled() => return,
        }
        if is_deserted(&inner.rounds) {
            return;
        }
        let call = call.extended(inner.limits.request_timeout);
        let asked = tokio::select! {
            asked = inner.engine.stats(&call, None) => asked,
            () = stopping.cancelled() => return,
        };
        match asked {
            Ok(mut stats) => {
                load.note(&mut stats, Instant::now());
                stats.sort_by(|one, other| one.name.cmp(&other.name));
                let rounds = inner.rounds.lock().unwrap_or_else(PoisonError::into_inner);
                // Without a reader it is deserted soon.
                let _read = rounds.as_ref().map(|sender| sender.send(Arc::new(stats)));
            }
            Err(error) => tracing::debug!(%error, "the engine measures nothing"),
        }
    }
}

/// Whether nobody listens any more; then the next one begins a new round.
fn is_deserted<T>(rounds: &Mutex<Option<Sender<T>>>) -> bool {
    let mut rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
    let deserted = rounds
        .as_ref()
        .is_none_or(|sender| sender.receiver_count() == 0);
    if deserted {
        *rounds = None;
    }
    deserted
}

impl StatsReader {
    /// What comes next; `None` once the one container does not run any more. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Vec<Stats>>> {
        let stopping = self.service.0.stopping.clone();
        loop {
            let received = tokio::select! {
                received = self.receiver.recv() => received,
                () = stopping.cancelled() => return Err(Error::Stopping),
            };
            let sample = match received {
                Ok(sample) => sample,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => {
                    self.receiver = self.service.join_rounds(&self.call);
                    continue;
                }
            };
            let Some(only) = &self.only else {
                return self.own(&sample).await.map(Some);
            };
            if let Some(stats) = sample.iter().find(|stats| stats.id == *only) {
                return Ok(Some(vec![stats.clone()]));
            }
            // It may have been between two states.
            let call = self.call.extended(self.service.0.limits.request_timeout);
            let found = self.service.0.engine.inspect(&call, &only.into()).await;
            match found {
                Ok(container) if container.status.is_live() => {}
                Ok(_) | Err(EngineError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Those that are the caller's to see.
    async fn own(&self, sample: &[Stats]) -> Result<Vec<Stats>> {
        if self.call.sees_all("all numbers").is_ok() {
            return Ok(sample.to_vec());
        }
        let call = self.call.extended(self.service.0.limits.request_timeout);
        let mut own = Vec::new();
        for stats in sample {
            let begins = call
                .prefix()
                .is_none_or(|prefix| stats.name.starts_with(prefix.as_str()));
            let owner = match self.service.owner(&call, &stats.id).await {
                Ok(owner) => owner,
                // Gone meanwhile.
                Err(Error::Engine(EngineError::NotFound { .. })) => continue,
                Err(error) => return Err(error),
            };
            if begins && (call.tenant().is_none() || owner.as_ref() == call.tenant()) {
                own.push(stats.clone());
            }
        }
        Ok(own)
    }
}
