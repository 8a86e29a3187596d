//! The end of a container whose time is up.

use super::life::Life;
use super::{OnExpiry, Reason};
use crate::{Audited, Call, Error, Result, Service};
use podlane_engine::{Container, ContainerId, EngineEvent, Error as EngineError, Status};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::Instant;

impl Service {
    /// Brings about a container's end, in a task of its own.
    pub(super) fn begin_end(&self, call: &Call, id: ContainerId, life: Arc<Life>, reason: Reason) {
        if !life.begin_end() {
            return;
        }
        let (service, call) = (self.clone(), call.clone());
        self.0.tasks.spawn(async move {
            match service.end(&call, &id, &life, reason).await {
                Ok(over) => {
                    life.end_ended(Some(over));
                }
                Err(Error::Stopping) => {}
                Err(error) => {
                    let again = life.end_ended(None);
                    tracing::warn!(container = id.short(), reason = reason.as_str(), %error, again_s = again.as_secs(), "a container whose time is up could not be ended yet");
                }
            }
            service.0.lives.changed.notify_one();
        });
    }

    /// Whether it is over; if not, somebody has given it more time.
    async fn end(
        &self,
        call: &Call,
        id: &ContainerId,
        life: &Arc<Life>,
        reason: Reason,
    ) -> Result<bool> {
        let lives = &self.0.lives;
        // A worker before the turn, as whoever extends it does: so neither waits for the other.
        let waiting = async {
            let place = lives.ends.acquire().await;
            let place = place.map_err(|_closed| Error::Stopping)?;
            let call = call.extended(self.0.limits.request_timeout);
            let worker = self.0.gate.enter(&call).await?;
            Ok::<_, Error>((place, worker, life.turn.lock().await))
        };
        let _held = tokio::select! {
            held = waiting => held?,
            () = self.0.stopping.cancelled() => return Err(Error::Stopping),
        };
        if life.own && reason == Reason::Ttl {
            let subject = id.clone();
            // A second process on the same state directory may have been asked.
            let extended = lives.ask(move |kept| kept.extension(&subject)).await?;
            if let Some(extended) = extended {
                life.set_expiry(extended);
            }
        }
        let call = call.extended(self.0.limits.request_timeout);
        let container = match self.0.engine.inspect(&call, &id.into()).await {
            Ok(container) => container,
            Err(EngineError::NotFound { .. }) => {
                lives.forget(id);
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        };
        if !life.is_due(reason) {
            return Ok(false);
        }
        let on_expiry = life.terms.on_expiry;
        if on_expiry == OnExpiry::Stop && !container.status.is_live() {
            return Ok(true);
        }
        self.tell(told(&container, on_expiry, reason));
        self.end_written_down(&call, &container, on_expiry, reason)
            .await?;
        tracing::info!(
            container = id.short(),
            name = container.name,
            reason = reason.as_str(),
            done = on_expiry.as_str(),
            "a container's time was up"
        );
        if on_expiry == OnExpiry::Remove {
            lives.forget(id);
        }
        Ok(true)
    }

    /// What the audit can't know of is not done.
    async fn end_written_down(
        &self,
        call: &Call,
        container: &Container,
        on_expiry: OnExpiry,
        reason: Reason,
    ) -> Result<()> {
        if !self.is_audited() {
            return self.end_now(call, container, on_expiry).await;
        }
        let mut what = Audited {
            action: format!("{} at expiry", on_expiry.as_str()),
            target: format!("/api/v1/containers/{}", container.name),
            detail: Some(format!("{} {}", reason.as_str(), container.id.short())),
            took: None,
        };
        self.write_down(call, &what, "begun").await?;
        let began = Instant::now();
        let ended = self.end_now(call, container, on_expiry).await;
        what.took = Some(began.elapsed());
        let outcome = if ended.is_ok() { "done" } else { "failed" };
        if let Err(error) = self.write_down(call, &what, outcome).await {
            tracing::error!(container = container.id.short(), %error, "the end of a container is not in the audit");
        }
        ended
    }

    async fn end_now(&self, call: &Call, container: &Container, on_expiry: OnExpiry) -> Result<()> {
        let (engine, id) = (&self.0.engine, &container.id);
        let _changing = self.0.view.changing().of(id);
        let ended = match on_expiry {
            OnExpiry::Remove => engine.remove(call, id, true).await,
            OnExpiry::Stop => {
                if container.status == Status::Paused {
                    // What is frozen can't be asked to end.
                    engine.unpause(call, id).await?;
                }
                engine.stop(call, id, None).await.map(drop)
            }
        };
        match ended {
            Ok(()) | Err(EngineError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The end of a container, as an event.
fn told(container: &Container, on_expiry: OnExpiry, reason: Reason) -> EngineEvent {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut attributes = container.labels.clone();
    attributes.insert("image".into(), container.image.clone());
    attributes.insert("reason".into(), reason.as_str().into());
    attributes.insert("on_expiry".into(), on_expiry.as_str().into());
    EngineEvent {
        at: i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX),
        kind: "container".into(),
        action: "expired".into(),
        id: container.id.to_string(),
        name: container.name.clone(),
        attributes,
    }
}
