//! Webhooks, and what they are told.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A webhook to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://example.org/hooks", "events": ["died", "oom"] }))]
pub struct CreateWebhook {
    /// Where it is told, by POST: https and a public address, or what the server's setting `webhooks.allow` permits.
    #[schema(value_type = String)]
    pub url: Hidden,
    /// What it wants to hear of: create, start, stop, restart, kill, pause, unpause, rename, update, died, oom,
    /// health, expired, remove.
    pub events: Vec<String>,
    /// Only of containers whose names begin so; of all if left out or empty.
    #[serde(default)]
    pub name_prefix: Option<String>,
    /// Only of containers with all these labels, each a name or `name=value`.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// What its messages are signed with: `whsec_` and 24 to 64 bytes in Base64. A new one is made if left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Hidden>,
    /// Whether it is told anything; yes if left out.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// What is to be changed of a webhook; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "enabled": false }))]
pub struct ModifyWebhook {
    /// Where it is told.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub url: Option<Hidden>,
    /// What it wants to hear of.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// Only of containers whose names begin so; of all if empty.
    #[serde(default)]
    pub name_prefix: Option<String>,
    /// Only of containers with all these labels.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// What its messages are signed with from now on.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Hidden>,
    /// Whether it is told anything.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// What is known of a webhook; never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its ID: 12 hexadecimal digits.
    #[schema(example = "9b1f04c2d7aa", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Where it is told.
    #[schema(value_type = String, example = "https://example.org/hooks")]
    pub url: Hidden,
    /// What it wants to hear of.
    pub events: Vec<String>,
    /// What the names of the containers begin with that it hears of; `null` for anything.
    #[schema(required)]
    pub name_prefix: Option<String>,
    /// The labels that these have.
    pub labels: Vec<String>,
    /// For whom it was made: it hears of this tenant's containers only; `null` for everybody's.
    #[schema(required)]
    pub tenant: Option<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why not, if it was not its owner who said so.
    #[schema(required)]
    pub disabled: Option<String>,
    /// How many messages wait for it.
    pub waiting: usize,
    /// How many were given up, and are kept.
    pub dead: usize,
    /// When it was made, in UTC.
    pub created: String,
}

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneWebhook {
    /// Always true.
    pub success: True,
    /// What is known of it.
    pub webhook: Webhook,
}

/// A webhook with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// Always true.
    pub success: True,
    /// What is known of it.
    pub webhook: Webhook,
    /// What its messages are signed with.
    #[schema(value_type = String, example = "whsec_...")]
    pub secret: Hidden,
}

/// The webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    /// Always true.
    pub success: True,
    /// The oldest first.
    pub webhooks: Vec<Webhook>,
}

/// The answer to a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedWebhook {
    /// Always true.
    pub success: True,
    /// Its ID.
    pub id: String,
    /// Always true.
    pub removed: True,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PingedWebhook {
    /// Always true: the test was done, however it went.
    pub success: True,
    /// Whether the receiver has taken the message.
    pub delivered: bool,
    /// The message's ID.
    #[schema(example = "msg_ping_9b1f04c2d7aa_1795517964514606173")]
    pub id: String,
    /// The status that was answered; `null` if nothing was.
    #[schema(required)]
    pub status: Option<u16>,
    /// Why it was not taken.
    #[schema(required)]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// A message for a webhook, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The message's ID, which is its header `webhook-id`: the same in all attempts.
    #[schema(example = "msg_6a1d1f0e94c25b7f3b0c1c2a7d0e9f11")]
    pub id: String,
    /// Its place among all: `before` asks for those behind it.
    pub number: i64,
    /// waiting, delivered or dead.
    #[schema(example = "dead")]
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it came, in UTC.
    pub created: String,
    /// When it was tried last.
    #[schema(required)]
    pub last_attempt: Option<String>,
    /// When it is tried next.
    #[schema(required)]
    pub next_attempt: Option<String>,
    /// The status that was answered last; `null` if nothing was.
    #[schema(required)]
    pub status: Option<u16>,
    /// Why it was not taken.
    #[schema(required)]
    pub error: Option<String>,
    /// What is sent.
    #[schema(value_type = WebhookMessage)]
    pub payload: Value,
}

/// Messages for a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// Always true.
    pub success: True,
    /// The newest first.
    pub deliveries: Vec<Delivery>,
}

/// The answer to a wish to send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redelivered {
    /// Always true.
    pub success: True,
    /// How many messages are sent again.
    pub redelivered: usize,
}

/// What a webhook is told: the body of a POST, signed by the Standard Webhooks specification with the headers
/// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookMessage {
    /// Its ID, the same in all attempts.
    #[schema(example = "msg_6a1d1f0e94c25b7f3b0c1c2a7d0e9f11")]
    pub id: String,
    /// What has happened: `container.` and the event; or `ping`, whose data is the webhook's ID.
    #[serde(rename = "type")]
    #[schema(example = "container.died")]
    pub kind: String,
    /// When, in UTC.
    #[schema(example = "2026-11-24T10:59:24.514606")]
    pub timestamp: String,
    /// To what.
    pub data: WebhookData,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookData {
    /// The container.
    pub container: WebhookContainer,
    /// How its main process has ended, in `died` and `oom`.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// Whether it died for want of memory, in `died` and `oom`; `null` if that is not known.
    #[schema(required)]
    pub oom: Option<bool>,
    /// What its health check says, in `health`: healthy or unhealthy.
    #[schema(required)]
    pub health: Option<String>,
}

/// The container that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookContainer {
    /// Its ID.
    #[schema(example = "abc123def456")]
    pub id: String,
    /// Its name.
    #[schema(example = "my-container")]
    pub name: String,
    /// Its image.
    #[schema(example = "docker.io/library/alpine:latest")]
    pub image: String,
    /// Its labels, as far as they fit into 4096 bytes.
    pub labels: BTreeMap<String, String>,
}
