//! From events to messages, each event once, also those of the time while no server ran.

use super::keeper::{Kept, unkept};
use super::message::{self, Known};
use super::{Webhook, WebhookEvent, now, now_ms};
use crate::events::{DISORDER, EventFilter, EventReader, is_for};
use crate::{Bounds, Call, Caller, Error, Result, Scopes, Service, Who};
use futures_util::{FutureExt, StreamExt};
use podlane_engine::{ContainerRef, EngineEvent, EventQuery, RequestId};
use podlane_store::{Handled, NewDelivery};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;

/// How many events are handled at once.
const BATCH: usize = 64;
/// How far back it is listened to, in nanoseconds: a day.
const BACK: i64 = 86_400_000_000_000;
/// How many containers' health is remembered.
const CONTAINERS: usize = 10_000;
/// The pause after which what failed is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// The time that a look at a dead container gets.
const LOOK: Duration = Duration::from_secs(5);
/// The pauses between looks, in milliseconds.
const LOOKS: [u64; 5] = [20, 50, 100, 200, 400];
/// The exit code of what was killed by SIGKILL.
const KILLED: i32 = 137;

/// A call of somebody who is kept within bounds.
pub(super) fn call_within(bounds: &Bounds) -> Option<Call> {
    let caller = Caller::new(Who::Server, Scopes::all(), bounds.clone());
    let id = RequestId::parse("webhooks")?;
    Some(Call::new(id, LOOK, Arc::new(caller)))
}

impl Webhook {
    /// Whether it is to be told of an event as one of that kind.
    fn hears(&self, kind: WebhookEvent, event: &EngineEvent) -> bool {
        let named = |prefix: &crate::NamePrefix| event.name.starts_with(prefix.as_str());
        self.enabled
            && event.at > self.since
            && self.events.contains(&kind)
            && self.name_prefix.as_ref().is_none_or(named)
            && self.labels.are_among(&event.attributes)
            && self.call.as_ref().is_some_and(|call| is_for(call, event))
    }
}

/// What is remembered from one event to the next.
pub(super) struct Listener {
    service: Service,
    kept: Arc<Kept>,
    call: Call,
    /// What health checks have said last.
    health: HashMap<String, String>,
    /// The time of the last event that came.
    last: i64,
}

impl Service {
    /// Listens for as long as some webhook is enabled, until the server stops.
    pub(super) async fn listen_for_webhooks(self) {
        let stopping = self.0.stopping.clone();
        let mut deaf = false;
        loop {
            let webhooks = Arc::clone(&self.0.webhooks);
            let there = self.0.tasks.spawn_blocking(move || webhooks.there()).await;
            let failed = match there {
                Ok(Ok(Some(kept))) if !kept.enabled().is_empty() => {
                    let listening = async { Listener::new(&self, kept)?.listen(&mut deaf).await };
                    let listened = tokio::select! {
                        listened = listening => listened,
                        () = stopping.cancelled() => return,
                    };
                    match listened {
                        Ok(()) => continue,
                        Err(error) => error,
                    }
                }
                Ok(Ok(_)) => {
                    tokio::select! {
                        () = self.0.webhooks.changed.notified() => continue,
                        () = stopping.cancelled() => return,
                    }
                }
                Ok(Err(error)) => error,
                Err(error) => unkept(error),
            };
            // Once for each time that they are deaf.
            if std::mem::replace(&mut deaf, true) {
                tracing::debug!(error = %failed, "webhooks still hear nothing");
            } else {
                tracing::warn!(error = %failed, "webhooks hear nothing for now");
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                () = stopping.cancelled() => return,
            }
        }
    }
}

impl Listener {
    fn new(service: &Service, kept: Arc<Kept>) -> Result<Self> {
        let call = call_within(&Bounds::default()).ok_or(Error::Stopping)?;
        let place = kept.store.place().map_err(unkept)?.unwrap_or_else(now);
        let health = kept.store.health().map_err(unkept)?;
        Ok(Self {
            service: service.clone(),
            kept,
            call,
            health: health.into_iter().collect(),
            last: place.max(now() - BACK),
        })
    }

    /// Until no webhook is enabled any more, or it can't be listened.
    async fn listen(&mut self, deaf: &mut bool) -> Result<()> {
        self.catch_up().await?;
        *deaf = false;
        let after = self.last.saturating_sub(DISORDER);
        let mut reader = self.reader(after);
        let changed = Arc::clone(&self.service.0.webhooks);
        while !self.kept.enabled().is_empty() {
            let first = tokio::select! {
                event = reader.next() => event?,
                () = changed.changed.notified() => continue,
            };
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Some(next) = reader.next().now_or_never()
            {
                batch.push(next?);
            }
            self.handle(&batch).await?;
        }
        Ok(())
    }

    fn reader(&self, after: i64) -> EventReader {
        let filter = EventFilter {
            kinds: vec!["container".into()],
            ..EventFilter::default()
        };
        self.service.own_events(&self.call, filter, Some(after))
    }

    /// Handles what has happened since the last event that was, as it comes: it may be much.
    async fn catch_up(&mut self) -> Result<()> {
        let query = EventQuery {
            since: self.last.saturating_sub(DISORDER),
            follow: false,
        };
        let call = self.call.extended(self.service.0.limits.request_timeout);
        let mut events = self.service.0.engine.events(&call, query).await?;
        let mut batch = Vec::new();
        while let Some(event) = events.next().await {
            batch.push(Arc::new(event?));
            if batch.len() >= BATCH {
                self.handle(&batch).await?;
                batch.clear();
            }
        }
        self.handle(&batch).await
    }

    /// Writes down what is to be told of events.
    async fn handle(&mut self, events: &[Arc<EngineEvent>]) -> Result<()> {
        let mut handled = Handled::default();
        for event in events {
            self.last = self.last.max(event.at);
            self.tell(event, &mut handled).await?;
        }
        if handled.deliveries.is_empty() && handled.health.is_empty() {
            return Ok(());
        }
        handled.place = self.last;
        let kept = Arc::clone(&self.kept);
        let write = move || kept.store.handle(&handled, now_ms()).map_err(unkept);
        let written = self.service.0.tasks.spawn_blocking(write).await;
        let new = written.map_err(|error| Error::Internal {
            step: "keeping messages",
            reason: error.to_string(),
        })??;
        if new > 0 {
            self.service.0.webhooks.due.notify_one();
        }
        Ok(())
    }

    async fn tell(&mut self, event: &EngineEvent, handled: &mut Handled) -> Result<()> {
        let news = self.notice(event, &mut handled.health);
        let Some(kind) = WebhookEvent::of(event).filter(|_| news) else {
            return Ok(());
        };
        let hear = |kind| {
            let enabled = self.kept.enabled().into_iter();
            enabled.filter(move |webhook| webhook.hears(kind, event))
        };
        let mut known = Known::default();
        let died = kind == WebhookEvent::Died;
        if died && hear(kind).chain(hear(WebhookEvent::Oom)).next().is_some() {
            known.oom = self.look(event).await;
        }
        let oom = (known.oom == Some(true)).then_some(WebhookEvent::Oom);
        for kind in [Some(kind), oom].into_iter().flatten() {
            for webhook in hear(kind) {
                let id = message::id(&webhook.id, kind, event);
                handled.deliveries.push(NewDelivery {
                    webhook: webhook.id.clone(),
                    body: message::about(&id, kind, event, known)?,
                    id,
                });
            }
        }
        Ok(())
    }

    /// Remembers what a health check says. Whether the event is news: a check that says what it has said is none.
    fn notice(&mut self, event: &EngineEvent, health: &mut Vec<(String, Option<String>)>) -> bool {
        match event.action.as_str() {
            "start" | "remove" => {
                if self.health.remove(&event.id).is_some() {
                    health.push((event.id.clone(), None));
                }
                true
            }
            "health_status" => {
                let said = event.attributes.get("healthStatus");
                let Some(said) =
                    said.filter(|said| ["healthy", "unhealthy"].contains(&said.as_str()))
                else {
                    return false;
                };
                if self.health.get(&event.id) == Some(said) {
                    return false;
                }
                if self.health.len() >= CONTAINERS {
                    health.extend(self.health.drain().map(|(id, _)| (id, None)));
                }
                self.health.insert(event.id.clone(), said.clone());
                health.push((event.id.clone(), Some(said.clone())));
                true
            }
            _ => true,
        }
    }

    /// Whether a container died for want of memory; `None` if that can't be told.
    async fn look(&self, event: &EngineEvent) -> Option<bool> {
        let code = event.attributes.get("containerExitCode");
        let code: i32 = code?.parse().ok()?;
        let id = ContainerRef::parse(&event.id).ok()?;
        let call = self.call.extended(LOOK);
        // Some engines tell it before they save it.
        for pause in LOOKS {
            let container = self.service.0.engine.inspect(&call, &id).await.ok()?;
            if container.exit_code == Some(code) {
                // Podman 4.3 never says that memory was wanting.
                let known = container.oom_killed || code != KILLED;
                return known.then_some(container.oom_killed);
            }
            let started = container.started.as_deref();
            let started = started.and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
            if started.is_some_and(|time| time.unix_timestamp_nanos() > i128::from(event.at)) {
                // It has been started again, and what it says now is of another life.
                return None;
            }
            sleep(Duration::from_millis(pause)).await;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_store::WebhookRecord;
    use std::collections::BTreeMap;

    fn webhook(events: &str, prefix: Option<&str>, labels: &str, tenant: Option<&str>) -> Webhook {
        let record = WebhookRecord {
            id: "9b1f04c2d7aa".into(),
            url: "https://example.org/".into(),
            events: events.into(),
            name_prefix: prefix.map(str::to_owned),
            labels: labels.into(),
            secret: Ok(vec![7; 32].into()),
            tenant: tenant.map(str::to_owned),
            prefix: None,
            enabled: true,
            reason: None,
            since: 100,
            created: 1,
        };
        let webhook = Webhook::kept(record.clone()).expect("readable");
        assert_eq!(webhook.record(), record);
        webhook
    }

    fn event(kind: &str, action: &str, at: i64) -> EngineEvent {
        let labels = [("course", "net-101"), ("io.podlane.tenant", "class-7")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        EngineEvent {
            at,
            kind: kind.into(),
            action: action.into(),
            id: "a".repeat(64),
            name: "lab-one".into(),
            attributes: BTreeMap::from(labels),
        }
    }

    #[test]
    fn a_webhook_hears_what_all_its_wishes_and_bounds_permit() {
        let died = event("container", "died", 101);
        for (webhook, hears) in [
            (webhook("died", None, "", None), true),
            (
                webhook("start died", Some("lab-"), "course", Some("class-7")),
                true,
            ),
            (webhook("died", None, "course=net-101", None), true),
            (webhook("start", None, "", None), false),
            (webhook("died", Some("web"), "", None), false),
            (webhook("died", None, "course=net-102", None), false),
            (webhook("died", None, "course\nother", None), false),
            (webhook("died", None, "", Some("class-8")), false),
            // What can't be read is nobody's.
            (webhook("died", None, "", Some("?")), false),
        ] {
            assert_eq!(
                webhook.hears(WebhookEvent::Died, &died),
                hears,
                "{:?}",
                webhook.record()
            );
        }
        let all = webhook("died", None, "", None);
        let before = event("container", "died", 100);
        assert!(!all.hears(WebhookEvent::Died, &before));
        let disabled = Webhook {
            enabled: false,
            ..all
        };
        assert!(!disabled.hears(WebhookEvent::Died, &died));
    }

    #[test]
    fn events_of_other_things_are_none() {
        for (kind, action, is) in [
            ("container", "died", Some(WebhookEvent::Died)),
            ("container", "health_status", Some(WebhookEvent::Health)),
            ("container", "expired", Some(WebhookEvent::Expired)),
            ("container", "exec_died", None),
            ("image", "remove", None),
            ("pod", "start", None),
        ] {
            assert_eq!(
                WebhookEvent::of(&event(kind, action, 1)),
                is,
                "{kind} {action}"
            );
        }
        for kind in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::parse(kind.as_str()), Some(*kind));
        }
    }
}
