//! Webhooks: what happens to containers, told to receivers over HTTP, signed, and again until they have taken it.
//!
//! One task listens to events and writes down what is to be told of them, together with how far it is: a server that
//! dies goes on there. Another sends what is due. The sending itself is a [`Courier`]'s.

mod attempt;
mod courier;
mod dispatch;
mod keeper;
mod kind;
mod listen;
mod message;
mod operations;
mod reach;
mod sign;

pub use courier::{Courier, Letter, Received};
pub use dispatch::WebhookObserver;
pub use kind::WebhookEvent;
pub use operations::{Delivery, NewWebhook, Pinged, WebhookChanges};
pub use reach::{Allowed, Reach};
pub use sign::SigningSecret;

pub(crate) use dispatch::PINGS;
pub(crate) use keeper::Webhooks;

use crate::{Bounds, Call, NamePrefix, Tenant, WithLabels};
use podlane_store::{WebhookCounts, WebhookRecord};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;

/// Why a webhook is told nothing whose secret was encrypted with a key that is not there.
const SECRET_LOST: &str = "its secret can't be read any more, because the server's key is missing or another one: give it a new secret";

/// The rules for webhooks.
#[derive(Debug, Clone, Default)]
pub struct WebhookRules {
    /// Where messages may go although it is not public, and without TLS.
    pub allow: Vec<Allowed>,
    /// The pauses between attempts; after the last one a message is dead.
    pub retries: Vec<Duration>,
    /// How many webhooks there may be.
    pub most: usize,
}

/// Somebody who is told what happens.
#[derive(Clone)]
pub struct Webhook {
    /// Its ID.
    pub id: String,
    /// Where it is told.
    pub url: Url,
    /// What it wants to hear of.
    pub events: Vec<WebhookEvent>,
    /// Only of containers whose names begin so.
    pub name_prefix: Option<NamePrefix>,
    /// Only of containers with these.
    pub labels: WithLabels,
    /// What it is kept within: its maker's.
    pub bounds: Bounds,
    /// Whether it is to be told anything.
    pub enabled: bool,
    /// Why not, if nobody said that it should not be.
    reason: Option<String>,
    /// When it was made.
    pub created: OffsetDateTime,
    /// How much there is for it.
    pub counts: WebhookCounts,
    /// It hears of what happened after this: nanoseconds since 1970.
    since: i64,
    /// `None` if it can't be read any more.
    secret: Option<SigningSecret>,
    /// By it, events are judged as those of any reader.
    call: Option<Call>,
}

impl fmt::Debug for Webhook {
    /// Not the URL, which may have a secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// Whether it is told anything: it is enabled, and what it is told can be signed.
    pub fn is_told(&self) -> bool {
        self.enabled && self.secret.is_some()
    }

    /// Why it is told nothing, if nobody said that it should not be.
    pub fn why_not(&self) -> Option<&str> {
        match self.secret {
            Some(_) => self.reason.as_deref(),
            None => Some(SECRET_LOST),
        }
    }

    fn record(&self) -> WebhookRecord {
        let words: Vec<_> = self.events.iter().map(|kind| kind.as_str()).collect();
        WebhookRecord {
            id: self.id.clone(),
            url: self.url.to_string(),
            events: words.join(" "),
            name_prefix: self.name_prefix.as_ref().map(|it| it.as_str().to_owned()),
            labels: self.labels.texts().collect::<Vec<_>>().join("\n"),
            secret: match &self.secret {
                Some(secret) => Ok(secret.secret().clone()),
                None => Err(SECRET_LOST.into()),
            },
            tenant: self.bounds.tenant.as_ref().map(Tenant::to_string),
            prefix: self.bounds.prefix.as_ref().map(|it| it.as_str().to_owned()),
            enabled: self.enabled,
            reason: self.reason.clone(),
            since: self.since,
            created: self.created.unix_timestamp(),
        }
    }

    /// One that was kept; `None` if it can't be read.
    fn kept(record: WebhookRecord) -> Option<Self> {
        let words = record.events.split_whitespace();
        let tenant = record.tenant.as_deref();
        let prefix = record.prefix.as_deref();
        let bounds = Bounds {
            // What can't be read holds nothing.
            tenant: tenant.map(|text| Tenant::parse(text).unwrap_or_else(Tenant::nobody)),
            prefix: prefix.map(|text| NamePrefix::parse(text).unwrap_or_else(NamePrefix::of_none)),
            container: None,
        };
        let labels = record.labels.lines();
        let secret = record.secret.map_err(|reason| {
            tracing::error!(
                webhook = record.id,
                reason,
                "a webhook's secret can't be read, and it is told nothing"
            );
        });
        let name_prefix = record.name_prefix.as_deref();
        Some(Self {
            url: Url::parse(&record.url).ok()?,
            events: words.filter_map(WebhookEvent::parse).collect(),
            name_prefix: name_prefix
                .map(|text| NamePrefix::parse(text).unwrap_or_else(NamePrefix::of_none)),
            labels: WithLabels::parse(labels).ok()?,
            call: listen::call_within(&bounds),
            bounds,
            enabled: record.enabled,
            reason: record.reason,
            created: OffsetDateTime::from_unix_timestamp(record.created).ok()?,
            counts: WebhookCounts::default(),
            since: record.since,
            secret: secret.ok().map(SigningSecret::kept),
            id: record.id,
        })
    }
}

/// Nanoseconds since 1970.
fn now() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    now() / 1_000_000
}
