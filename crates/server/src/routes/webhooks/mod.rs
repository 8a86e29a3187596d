//! `/api/v1/webhooks`

pub(crate) mod create;
pub(crate) mod deliveries;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod modify;
pub(crate) mod redeliver;
pub(crate) mod remove;
pub(crate) mod test;

use crate::extract::shown;
use crate::refusal::Refusal;
use crate::timestamp;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use podlane_api::{Hidden, Webhook};
use podlane_service::{NamePrefix, SigningSecret, WebhookEvent, WithLabels};

/// `{id}` and `{delivery}`: any text; what is none's ID is not found.
#[derive(Debug)]
pub(crate) struct Ids(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((id, delivery))| Self(id, delivery))
            .map_err(|_| Refusal::field("id", "the id in the path is not UTF-8"))
    }
}

fn answer(webhook: podlane_service::Webhook) -> Webhook {
    let (enabled, disabled) = (webhook.is_told(), webhook.why_not().map(str::to_owned));
    Webhook {
        id: webhook.id,
        url: Hidden(webhook.url.to_string()),
        events: webhook.events.iter().map(ToString::to_string).collect(),
        name_prefix: webhook.name_prefix.map(|it| it.as_str().to_owned()),
        labels: webhook.labels.texts().collect(),
        tenant: webhook.bounds.tenant.map(|tenant| tenant.to_string()),
        enabled,
        disabled,
        waiting: webhook.counts.waiting,
        dead: webhook.counts.dead,
        created: timestamp::format(webhook.created),
    }
}

fn events(words: &[String]) -> Result<Vec<WebhookEvent>, Refusal> {
    let event = |(at, word): (usize, &String)| {
        WebhookEvent::parse(word).ok_or_else(|| {
            let all: Vec<_> = WebhookEvent::ALL.iter().map(|kind| kind.as_str()).collect();
            let word = shown(word);
            let message = format!("\"{word}\" is no event; the events are {}", all.join(", "));
            Refusal::field(format!("events[{at}]"), message)
        })
    };
    words.iter().enumerate().map(event).collect()
}

/// None if it is empty.
fn prefix(text: &str) -> Result<Option<NamePrefix>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let message =
        "`name_prefix` must be up to 63 letters, digits, `-`, `_` and `.`, a letter or digit first";
    let prefix = NamePrefix::parse(text);
    prefix.map_or_else(
        || Err(Refusal::field("name_prefix", message)),
        |it| Ok(Some(it)),
    )
}

fn labels(texts: &[String]) -> Result<WithLabels, Refusal> {
    let message = "each of `labels` must be a label's name, or name=value";
    WithLabels::parse(texts.iter().map(String::as_str))
        .map_err(|_| Refusal::field("labels", message))
}

fn secret(text: &Hidden) -> Result<SigningSecret, Refusal> {
    let message = "`secret` must be whsec_ and 24 to 64 bytes in Base64, with padding";
    SigningSecret::parse(&text.0).ok_or_else(|| Refusal::field("secret", message))
}
