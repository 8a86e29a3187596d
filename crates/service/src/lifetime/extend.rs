//! More time for a container.

use super::Lifetime;
use super::label::now;
use super::life::Life;
use crate::containers::shown;
use crate::finding::missing;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{Container, ContainerRef, Error as EngineError, Resource};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout_at;

fn refused(message: impl Into<String>) -> Error {
    Error::Conflict {
        message: message.into(),
    }
}

impl Service {
    /// Lets a container live for `ttl` from now, if that is given, and counts as a use of it. Driven to its end
    /// even if the caller goes away.
    pub async fn extend_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        ttl: Option<Duration>,
    ) -> Result<(Container, Lifetime)> {
        call.may(Scope::ContainersWrite)?;
        if let Some(ttl) = ttl {
            call.note(|| format!("{} s", ttl.as_secs()));
        }
        let worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let life = self.life(call, &container.id, &container.labels).await?;
        let life = life.ok_or_else(|| {
            refused(
                "the container lives for ever: `ttl` and `idle_timeout` are given when it is made",
            )
        })?;
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let _worker = worker;
            service.extend(&call, &container, &life, ttl).await?;
            service.0.lives.changed.notify_one();
            Ok((shown(container), life.told()))
        })
        .await
    }

    async fn extend(
        &self,
        call: &Call,
        container: &Container,
        life: &Arc<Life>,
        ttl: Option<Duration>,
    ) -> Result<()> {
        let id = &container.id;
        let late = |_| EngineError::Timeout {
            step: "waiting for what happens to the container".into(),
            limit: call.limit,
        };
        let _turn = timeout_at(call.deadline, life.turn.lock())
            .await
            .map_err(late)?;
        if !self.0.lives.is_known(id) {
            return Err(missing(Resource::Container, &id.short()).into());
        }
        if !life.own {
            return Err(refused(
                "another server keeps this container's time, one with another state directory: ask that one",
            ));
        }
        if let Some(ttl) = ttl {
            let Some(latest) = life.terms.latest else {
                return Err(refused(
                    "the container has no `ttl` that could be extended: it is given when it is made",
                ));
            };
            let expires = now() + ttl;
            if expires > latest {
                let latest = OffsetDateTime::from(latest).format(&Rfc3339);
                return Err(refused(format!(
                    "the container can live until {} and no longer, by the `max_ttl` (or `ttl`) that it was made with; make one with a larger `max_ttl` if it shall",
                    latest.unwrap_or_default()
                )));
            }
            let subject = id.clone();
            let kept = self
                .0
                .lives
                .ask(move |kept| kept.extend(&subject, expires, latest));
            kept.await?;
            life.set_expiry(expires);
        }
        life.touch();
        Ok(())
    }
}
