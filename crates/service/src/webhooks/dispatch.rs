//! Sends what is due: at least once, again after growing pauses, until it is taken or given up.
//!
//! Two messages of one webhook may be on their way at once, and a later one may overtake one that is tried again: the
//! order is told by their timestamps only.

use super::attempt::{jitter, judged, next};
use super::keeper::{Kept, unkept};
use super::{Courier, Letter, Pinged, Received, SECRET_LOST, Webhook, message, now_ms};
use crate::{Error, Result, Service};
use podlane_store::{DeliveryRecord, DeliveryState};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many messages of one webhook are on their way at once.
const OF_ONE: usize = 2;
/// How many of all.
const OF_ALL: usize = 64;
/// How many tests may be under way at once.
pub(crate) const PINGS: usize = 8;
/// After this it is looked anyway: the clock may have been set.
const LOOK: Duration = Duration::from_secs(60);
/// The pause after the database could not be used.
const AGAIN: Duration = Duration::from_secs(5);
/// The longest that a courier takes, whatever it does.
const CARRYING: Duration = Duration::from_secs(30);

/// Told how each attempt went: `delivered`, `retried` or `dead`.
pub type WebhookObserver = Arc<dyn Fn(&'static str) + Send + Sync>;

impl Service {
    /// Begins to tell webhooks what happens, until the server stops. To be called once.
    pub fn tell_webhooks(&self, courier: Arc<dyn Courier>, observer: WebhookObserver) {
        if self.0.courier.set(Arc::clone(&courier)).is_err() {
            return;
        }
        self.0.tasks.spawn(self.clone().listen_for_webhooks());
        let dispatcher = Dispatcher {
            service: self.clone(),
            courier,
            observer,
            under_way: HashMap::new(),
            turn: 0,
        };
        self.0.tasks.spawn(dispatcher.run());
    }

    /// Sends a message that is about nothing.
    pub(super) async fn ping(&self, webhook: &Webhook, courier: &dyn Courier) -> Result<Pinged> {
        let Ok(_place) = self.0.pings.try_acquire() else {
            return Err(Error::TooMany {
                what: "tests of webhooks are under way",
                limit: PINGS as u64,
                retry_after: Duration::from_secs(1),
            });
        };
        let id = format!("msg_ping_{}_{}", webhook.id, super::now());
        let body = message::ping(&id, &webhook.id)?;
        let began = Instant::now();
        let letter = self.letter(webhook, &id, body)?;
        let stopping = self.0.stopping.clone();
        let received = tokio::select! {
            received = carry(courier, letter) => received,
            () = stopping.cancelled() => return Err(Error::Stopping),
        };
        let (status, error) = judged(&received);
        let took = began.elapsed();
        Ok(Pinged {
            id,
            status,
            error,
            took,
        })
    }

    fn letter(&self, webhook: &Webhook, id: &str, body: String) -> Result<Letter> {
        let timestamp = now_ms() / 1000;
        let secret = webhook.secret.as_ref().ok_or(Error::Unkept {
            message: SECRET_LOST,
            reason: webhook.id.clone(),
        })?;
        Ok(Letter {
            url: webhook.url.clone(),
            reach: Arc::clone(&self.0.reach),
            signature: secret.sign(id, timestamp, &body)?,
            id: id.to_owned(),
            timestamp,
            body: body.into(),
        })
    }
}

async fn carry(courier: &dyn Courier, letter: Letter) -> Received {
    let carried = tokio::time::timeout(CARRYING, courier.deliver(letter)).await;
    carried.unwrap_or(Received::Failed("it took too long"))
}

struct Dispatcher {
    service: Service,
    courier: Arc<dyn Courier>,
    observer: WebhookObserver,
    /// The numbers of the messages that are on their way, by webhook.
    under_way: HashMap<String, Vec<i64>>,
    /// Whose turn it is first, so that no webhook always has to wait for the others.
    turn: usize,
}

impl Dispatcher {
    async fn run(mut self) {
        let stopping = self.service.0.stopping.clone();
        let mut sending = JoinSet::new();
        loop {
            let pause = match self.look(&mut sending).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "webhooks are told nothing for now");
                    AGAIN
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.service.0.webhooks.due.notified() => {}
                Some(ended) = sending.join_next() => {
                    match ended {
                        Ok((webhook, number)) => self.ended(webhook, number),
                        // It is on its way for ever, and sent again by the next server.
                        Err(error) => tracing::error!(%error, "a message was lost on its way"),
                    }
                }
                // What is on its way is given up, and waits for the next server.
                () = stopping.cancelled() => return,
            }
        }
    }

    fn ended(&mut self, webhook: String, number: i64) {
        if let Entry::Occupied(mut entry) = self.under_way.entry(webhook) {
            entry.get_mut().retain(|other| *other != number);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    /// Begins to send what is due and has room. How long to wait for more.
    async fn look(&mut self, sending: &mut JoinSet<(String, i64)>) -> Result<Duration> {
        let webhooks = Arc::clone(&self.service.0.webhooks);
        let (under_way, turn) = (self.under_way.clone(), self.turn);
        let room = OF_ALL.saturating_sub(sending.len());
        let due = move || {
            let Some(kept) = webhooks.there()? else {
                return Ok(None);
            };
            let now = now_ms();
            let mut enabled = kept.enabled();
            let turn = turn.checked_rem(enabled.len()).unwrap_or(0);
            enabled.rotate_left(turn);
            let mut found = Vec::new();
            for webhook in enabled {
                let own = under_way.get(&webhook.id).map_or(&[][..], Vec::as_slice);
                let free = (OF_ONE.saturating_sub(own.len())).min(room - found.len());
                if free == 0 {
                    continue;
                }
                let due = kept.store.due(&webhook.id, now, free + own.len());
                let mut due = due.map_err(unkept)?;
                due.retain(|delivery| !own.contains(&delivery.number));
                let due = due.into_iter().take(free);
                found.extend(due.map(|delivery| (Arc::clone(&webhook), delivery)));
            }
            let next = kept.store.next_after(now).map_err(unkept)?;
            let pause = next.and_then(|next| u64::try_from(next - now).ok());
            Ok(Some((kept, found, pause.map(Duration::from_millis))))
        };
        let looked: Result<_> = match self.service.0.tasks.spawn_blocking(due).await {
            Ok(looked) => looked,
            Err(error) => Err(Error::Internal {
                step: "looking for messages",
                reason: error.to_string(),
            }),
        };
        let Some((kept, found, pause)) = looked? else {
            return Ok(LOOK);
        };
        self.turn = self.turn.wrapping_add(1);
        for (webhook, delivery) in found {
            let numbers = self.under_way.entry(webhook.id.clone()).or_default();
            numbers.push(delivery.number);
            let sender = Sender {
                service: self.service.clone(),
                courier: Arc::clone(&self.courier),
                observer: Arc::clone(&self.observer),
                kept: Arc::clone(&kept),
                webhook,
            };
            sending.spawn(sender.send(delivery));
        }
        Ok(pause.unwrap_or(LOOK).min(LOOK))
    }
}

/// One message on its way.
struct Sender {
    service: Service,
    courier: Arc<dyn Courier>,
    observer: WebhookObserver,
    kept: Arc<Kept>,
    webhook: Arc<Webhook>,
}

impl Sender {
    async fn send(self, delivery: DeliveryRecord) -> (String, i64) {
        let key = (delivery.webhook.clone(), delivery.number);
        let letter = self
            .service
            .letter(&self.webhook, &delivery.id, delivery.body.clone());
        let received = match letter {
            Ok(letter) => carry(self.courier.as_ref(), letter).await,
            Err(error) => {
                tracing::error!(%error, "a message can't be signed");
                Received::Failed("it can't be signed")
            }
        };
        let retries = &self.service.0.limits.webhooks.retries;
        let attempt = next(&delivery, &received, retries, now_ms(), jitter());
        let outcome = match attempt.state {
            DeliveryState::Delivered => "delivered",
            DeliveryState::Waiting => "retried",
            DeliveryState::Dead => "dead",
        };
        (self.observer)(outcome);
        tracing::debug!(
            webhook = delivery.webhook,
            message = delivery.id,
            status = attempt.status,
            outcome,
            "a webhook was told"
        );
        let gone = matches!(received, Received::Answered { status: 410, .. });
        let kept = Arc::clone(&self.kept);
        let write = move || {
            kept.store.tried(&delivery, &attempt).map_err(unkept)?;
            if gone {
                kept.disable(&delivery.webhook, "the receiver answered 410 Gone")?;
            }
            Ok(())
        };
        let written: Result<()> = match self.service.0.tasks.spawn_blocking(write).await {
            Ok(written) => written,
            Err(error) => Err(unkept(error)),
        };
        if let Err(error) = written {
            // It is sent once more, but not in a circle.
            tracing::error!(%error, "that a message was sent can't be written down");
            sleep(LOOK).await;
        }
        key
    }
}
