//! Where a work is done, looked at while it is silent.

use crate::{Call, Result};
use podlane_engine::{Container, ContainerId, Engine, Error as EngineError, Status};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep, timeout};

/// After how long a silence the container is looked at.
const GLANCE: Duration = Duration::from_secs(1);
/// How long the engine may take to hear that a container has ended.
const HEARING: Duration = Duration::from_secs(3);
/// The time between two looks at that.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a work is done.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) call: Call,
    pub(super) container: ContainerId,
    pub(super) began: OffsetDateTime,
}

impl Place {
    /// Waits for something, but not where nothing can come: a frozen container answers nobody.
    pub(super) async fn wait<T>(
        &self,
        name: &'static str,
        patience: Duration,
        what: impl Future<Output = T>,
    ) -> Result<T> {
        let mut what = pin!(what);
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            if let Ok(came) = timeout(left.min(GLANCE), &mut what).await {
                return Ok(came);
            }
            if began.elapsed() >= patience {
                return Err(EngineError::Timeout {
                    step: format!("the agent's {name}"),
                    limit: patience,
                }
                .into());
            }
            if patience < Duration::MAX && self.is_paused().await {
                let message = "the container is paused: unpause it first".into();
                return Err(EngineError::WrongState { message }.into());
            }
        }
    }

    async fn is_paused(&self) -> bool {
        let call = self.call.extended(self.call.limit);
        let found = self.engine.inspect(&call, &(&self.container).into()).await;
        found.is_ok_and(|container| container.status == Status::Paused)
    }

    /// What to say of a container that has ended. The kernel kills its processes before the engine
    /// hears of it.
    pub(super) async fn ended(&self) -> Option<EngineError> {
        let began = Instant::now();
        while began.elapsed() < HEARING {
            let call = self.call.extended(self.call.limit);
            match self.engine.inspect(&call, &(&self.container).into()).await {
                Ok(found) if found.status.is_live() && !self.restarted(&found) => {
                    sleep(PAUSE).await;
                }
                Ok(_) => {
                    let message = "the container ended meanwhile".into();
                    return Some(EngineError::WrongState { message });
                }
                Err(error) => return Some(error),
            }
        }
        None
    }

    /// Whether a container that runs was started after the work.
    fn restarted(&self, container: &Container) -> bool {
        let started = container.started.as_deref();
        let started = started.and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
        started.is_some_and(|started| started > self.began)
    }
}
