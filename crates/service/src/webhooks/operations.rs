//! Webhooks made, listed, changed and removed, and what became of their messages.

use super::keeper::{Kept, unkept};
use super::{Courier, SECRET_LOST, SigningSecret, Webhook, WebhookEvent, Webhooks, now, now_ms};
use crate::{Bounds, Call, Caller, Error, NamePrefix, Result, Scope, Service, WithLabels};
use podlane_engine::Capability;
use podlane_store::{DeliveryRecord, DeliveryState, WebhookCounts};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// How many webhooks one tenant has at most, so that there is room for others.
const OF_TENANT: usize = 20;
/// How many labels may be asked for, and how long each is.
const LABELS: usize = 16;
const LABEL: usize = 512;
/// How many deliveries are told at once.
const PART: usize = 100;

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where it is told.
    pub url: String,
    /// What it wants to hear of.
    pub events: Vec<WebhookEvent>,
    /// Only of containers whose names begin so.
    pub name_prefix: Option<NamePrefix>,
    /// Only of containers with these.
    pub labels: WithLabels,
    /// What its messages are signed with; a new secret if `None`.
    pub secret: Option<SigningSecret>,
    /// Whether it is told anything.
    pub enabled: bool,
}

/// What is to be changed of a webhook; all else stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChanges {
    /// Where it is told.
    pub url: Option<String>,
    /// What it wants to hear of.
    pub events: Option<Vec<WebhookEvent>>,
    /// Only of containers whose names begin so, or of any.
    pub name_prefix: Option<Option<NamePrefix>>,
    /// Only of containers with these.
    pub labels: Option<WithLabels>,
    /// What its messages are signed with.
    pub secret: Option<SigningSecret>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// A message for a webhook.
pub type Delivery = DeliveryRecord;

/// How a webhook answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinged {
    /// The message's ID.
    pub id: String,
    /// The status that was answered.
    pub status: Option<u16>,
    /// Why it was no success.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// An ID of 12 hexadecimal digits.
fn new_id() -> Result<String> {
    let mut bits = [0_u8; 6];
    getrandom::fill(&mut bits).map_err(|error| Error::Internal {
        step: "drawing a random number",
        reason: error.to_string(),
    })?;
    Ok(bits.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn check_events(mut events: Vec<WebhookEvent>) -> Result<Vec<WebhookEvent>> {
    if events.is_empty() {
        let message = "`events` must name at least one event";
        return Err(Error::invalid("events", message));
    }
    let mut seen = Vec::new();
    events.retain(|kind| {
        !seen.contains(kind) && {
            seen.push(*kind);
            true
        }
    });
    Ok(events)
}

fn check_labels(labels: WithLabels) -> Result<WithLabels> {
    let long = |text: String| text.len() > LABEL || text.contains(char::is_control);
    if labels.texts().count() > LABELS || labels.texts().any(long) {
        let message = format!(
            "`labels` must be at most {LABELS}, each of at most {LABEL} bytes without control characters"
        );
        return Err(Error::invalid("labels", message));
    }
    Ok(labels)
}

/// One that the caller may know of.
fn one(kept: &Kept, caller: &Caller, id: &str) -> Result<Arc<Webhook>> {
    let all = kept.all();
    let mut seen = all
        .iter()
        .filter(|webhook| caller.bounds().hold(&webhook.bounds));
    let found = seen.find(|webhook| webhook.id == id);
    found.map(Arc::clone).ok_or(Error::NoWebhook)
}

fn counted(kept: &Kept, webhook: &Webhook) -> Result<Webhook> {
    Ok(Webhook {
        counts: kept.store.counts(&webhook.id).map_err(unkept)?,
        ..webhook.clone()
    })
}

impl Service {
    /// Makes a webhook for whomever the caller acts for. It hears what the caller's events would tell, from now on.
    pub async fn create_webhook(
        &self,
        call: &Call,
        new: NewWebhook,
    ) -> Result<(Webhook, SigningSecret)> {
        call.may(Scope::WebhooksWrite)?;
        let url = self.0.reach.url(&new.url);
        let url = url.map_err(|message| Error::invalid("url", message))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        call.note(|| host);
        let events = check_events(new.events)?;
        let labels = check_labels(new.labels)?;
        self.check_told(call, &events).await?;
        let bounds = Bounds {
            container: None,
            ..call.caller().bounds().clone()
        };
        let secret = new.secret.map_or_else(SigningSecret::make, Ok)?;
        let webhook = Webhook {
            id: new_id()?,
            url,
            events,
            name_prefix: new.name_prefix,
            labels,
            bounds,
            enabled: new.enabled,
            reason: None,
            created: OffsetDateTime::now_utc().truncate_to_second(),
            counts: WebhookCounts::default(),
            since: now(),
            secret: Some(secret.clone()),
            call: None,
        };
        let most = self.0.limits.webhooks.most;
        self.with_webhooks(call, move |kept, caller| {
            let kept = kept.open()?;
            let _changing = kept.change();
            let all = kept.all();
            let of_tenant = |other: &&Arc<Webhook>| other.bounds.tenant == webhook.bounds.tenant;
            if !caller.bounds().hold(&webhook.bounds) {
                return Err(Error::Bounded { what: "a webhook" });
            }
            if all.len() >= most {
                let message =
                    format!("there are {most} webhooks already, as many as limits.webhooks allows");
                return Err(Error::Conflict { message });
            }
            if webhook.bounds.tenant.is_some() && all.iter().filter(of_tenant).count() >= OF_TENANT
            {
                let message =
                    format!("there are {OF_TENANT} webhooks already, as many as a tenant may have");
                return Err(Error::Conflict { message });
            }
            kept.keep(&webhook)?;
            Ok((webhook, secret))
        })
        .await
    }

    /// Refuses events that this engine never tells. While it does not answer, nothing is refused.
    async fn check_told(&self, call: &Call, events: &[WebhookEvent]) -> Result<()> {
        let needed: Vec<_> = events.iter().filter_map(|kind| kind.needs()).collect();
        if needed.is_empty() {
            return Ok(());
        }
        let capabilities = self.0.engine.capabilities(call).await.unwrap_or_default();
        let wanted = |row: &Capability| needed.contains(&row.name);
        let mut rows = capabilities.into_iter().filter(wanted);
        Ok(rows.try_for_each(Capability::needed)?)
    }

    /// The caller's webhooks, the oldest first.
    pub async fn webhooks(&self, call: &Call) -> Result<Vec<Webhook>> {
        call.may(Scope::WebhooksRead)?;
        self.with_webhooks(call, |kept, caller| {
            let Some(kept) = kept.there()? else {
                return Ok(Vec::new());
            };
            let all = kept.all();
            let seen = all
                .iter()
                .filter(|webhook| caller.bounds().hold(&webhook.bounds));
            seen.map(|webhook| counted(&kept, webhook)).collect()
        })
        .await
    }

    /// One of them.
    pub async fn webhook(&self, call: &Call, id: &str) -> Result<Webhook> {
        call.may(Scope::WebhooksRead)?;
        self.of_webhook(call, id, |kept, webhook| counted(kept, &webhook))
            .await
    }

    /// Changes one. What it hears of from now on, it did not miss before.
    pub async fn modify_webhook(
        &self,
        call: &Call,
        id: &str,
        changes: WebhookChanges,
    ) -> Result<Webhook> {
        call.may(Scope::WebhooksWrite)?;
        let url = changes.url.map(|url| self.0.reach.url(&url)).transpose();
        let url = url.map_err(|message| Error::invalid("url", message))?;
        let events = changes.events.map(check_events).transpose()?;
        let labels = changes.labels.map(check_labels).transpose()?;
        self.check_told(call, events.as_deref().unwrap_or_default())
            .await?;
        let (id, prefix) = (id.to_owned(), changes.name_prefix);
        self.with_webhooks(call, move |webhooks, caller| {
            let kept = webhooks.there()?.ok_or(Error::NoWebhook)?;
            let _changing = kept.change();
            let old = one(&kept, caller, &id)?;
            // What is kept of it would be lost.
            let lost = || Error::invalid("secret", SECRET_LOST);
            let secret = changes.secret.or_else(|| old.secret.clone());
            let secret = secret.ok_or_else(lost)?;
            let enabled = changes.enabled.unwrap_or(old.enabled);
            let hears_more = events.is_some()
                || labels.is_some()
                || prefix.is_some()
                || (enabled && !old.is_told());
            let webhook = Webhook {
                url: url.unwrap_or_else(|| old.url.clone()),
                events: events.unwrap_or_else(|| old.events.clone()),
                name_prefix: prefix.unwrap_or_else(|| old.name_prefix.clone()),
                labels: labels.unwrap_or_else(|| old.labels.clone()),
                secret: Some(secret),
                enabled,
                reason: old.reason.clone().filter(|_| !enabled),
                since: if hears_more { now() } else { old.since },
                ..(*old).clone()
            };
            kept.keep(&webhook)?;
            counted(&kept, &webhook)
        })
        .await
    }

    /// Forgets one, and all that it was to be told.
    pub async fn remove_webhook(&self, call: &Call, id: &str) -> Result<()> {
        call.may(Scope::WebhooksWrite)?;
        self.of_webhook(call, id, |kept, webhook| {
            let _changing = kept.change();
            if !kept.store.remove_webhook(&webhook.id).map_err(unkept)? {
                return Err(Error::NoWebhook);
            }
            kept.read()
        })
        .await
    }

    /// Its messages, the newest first: those in a state, behind one of them, up to a hundred.
    pub async fn deliveries(
        &self,
        call: &Call,
        id: &str,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        call.may(Scope::WebhooksRead)?;
        self.of_webhook(call, id, move |kept, webhook| {
            let limit = limit.min(PART);
            let found = kept.store.deliveries(&webhook.id, state, before, limit);
            found.map_err(unkept)
        })
        .await
    }

    /// Sends a message once more, whatever became of it; or all dead ones, as far as there is room for them. How many.
    pub async fn redeliver(&self, call: &Call, id: &str, delivery: Option<&str>) -> Result<usize> {
        call.may(Scope::WebhooksWrite)?;
        let delivery = delivery.map(str::to_owned);
        let again = self.of_webhook(call, id, move |kept, webhook| {
            let (store, webhook) = (&kept.store, webhook.id.as_str());
            let again = store.redeliver(webhook, delivery.as_deref(), now_ms());
            let again = again.map_err(unkept)?;
            let Some(delivery) = delivery.filter(|_| again == 0) else {
                return Ok(again);
            };
            let found = store.delivery(webhook, &delivery).map_err(unkept)?;
            Err(match found {
                None => Error::NoDelivery,
                Some(found) if found.state == DeliveryState::Waiting => Error::Conflict {
                    message: "it is waiting to be sent already".into(),
                },
                Some(_) => Error::Conflict {
                    message: "too many are waiting for this webhook".into(),
                },
            })
        });
        let again = again.await?;
        self.0.webhooks.due.notify_one();
        Ok(again)
    }

    /// Sends a message that is about nothing, once, also to one that is disabled.
    pub async fn ping_webhook(&self, call: &Call, id: &str) -> Result<Pinged> {
        call.may(Scope::WebhooksWrite)?;
        let webhook = self.of_webhook(call, id, |_, webhook| Ok(webhook)).await?;
        let courier: Arc<dyn Courier> = self.0.courier.get().map(Arc::clone).ok_or_else(|| {
            let step = "sending a message";
            let reason = "nobody carries messages".into();
            Error::Internal { step, reason }
        })?;
        self.ping(&webhook, courier.as_ref()).await
    }

    async fn of_webhook<T: Send + 'static>(
        &self,
        call: &Call,
        id: &str,
        work: impl FnOnce(&Kept, Arc<Webhook>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let id = id.to_owned();
        self.with_webhooks(call, move |webhooks, caller| {
            let kept = webhooks.there()?.ok_or(Error::NoWebhook)?;
            let webhook = one(&kept, caller, &id)?;
            work(&kept, webhook)
        })
        .await
    }

    /// Does something that may wait for the disk, to its end.
    async fn with_webhooks<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl FnOnce(&Webhooks, &Caller) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (webhooks, call) = (Arc::clone(&self.0.webhooks), call.clone());
        let work = move || {
            let done = work(&webhooks, call.caller());
            webhooks.changed.notify_one();
            webhooks.due.notify_one();
            done
        };
        self.on_disk(work).await
    }
}
