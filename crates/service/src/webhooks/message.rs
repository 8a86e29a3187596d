//! What receivers are told: the JSON, and the ID by which they know it again.

use super::WebhookEvent;
use crate::containers::shown_labels;
use crate::{Error, Result};
use podlane_engine::EngineEvent;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// How many bytes of labels are told, names and values together.
const LABELS: usize = 4096;
/// What stands among an event's attributes beside labels.
const OTHERS: [&str; 8] = [
    "containerExitCode",
    "error",
    "execID",
    "healthStatus",
    "image",
    "network",
    "oomKilled",
    "podId",
];

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");

#[derive(Debug, Serialize)]
struct Message<'a, D> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: D,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    container: Container<'a>,
    exit_code: Option<i32>,
    oom: Option<bool>,
    health: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Container<'a> {
    id: &'a str,
    name: &'a str,
    image: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct Ping<'a> {
    webhook: &'a str,
}

/// What is known of an event beyond what the engine says with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Whether a container died for want of memory, where that is known.
    pub(super) oom: Option<bool>,
}

/// What tells a message from all others: the same event has the same for a webhook, always.
pub(super) fn id(webhook: &str, kind: WebhookEvent, event: &EngineEvent) -> String {
    let mut hash = Sha256::new();
    for part in [webhook, kind.as_str(), event.id.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(event.at.to_be_bytes());
    let hash = hash.finalize();
    hash[..16].iter().fold("msg_".to_owned(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The message about an event.
pub(super) fn about(
    id: &str,
    kind: WebhookEvent,
    event: &EngineEvent,
    known: Known,
) -> Result<String> {
    let mut attributes = event.attributes.clone();
    shown_labels(&mut attributes);
    if kind == WebhookEvent::Expired {
        attributes.retain(|name, _| !["reason", "on_expiry"].contains(&name.as_str()));
    }
    let mut left = LABELS;
    let mut labels = BTreeMap::new();
    for (name, value) in &attributes {
        let bytes = name.len() + value.len();
        if OTHERS.contains(&name.as_str()) || bytes > left {
            continue;
        }
        left -= bytes;
        labels.insert(name.as_str(), value.as_str());
    }
    let attribute = |name: &str| event.attributes.get(name).map(String::as_str);
    let died = matches!(kind, WebhookEvent::Died | WebhookEvent::Oom);
    let short = event.id.get(..12).unwrap_or(&event.id);
    write(&Message {
        id,
        kind: &format!("container.{kind}"),
        timestamp: time(event.at),
        data: Data {
            container: Container {
                id: short,
                name: &event.name,
                image: attribute("image").unwrap_or_default(),
                labels,
            },
            exit_code: attribute("containerExitCode")
                .and_then(|code| code.parse().ok())
                .filter(|_| died),
            oom: known.oom.filter(|_| died),
            health: attribute("healthStatus").filter(|_| kind == WebhookEvent::Health),
        },
    })
}

/// A message that is about nothing.
pub(super) fn ping(id: &str, webhook: &str) -> Result<String> {
    let now = OffsetDateTime::now_utc().unix_timestamp_nanos();
    write(&Message {
        id,
        kind: "ping",
        timestamp: time(i64::try_from(now).unwrap_or(i64::MAX)),
        data: Ping { webhook },
    })
}

fn write(message: &impl Serialize) -> Result<String> {
    serde_json::to_string(message).map_err(|error| Error::Internal {
        step: "writing a message",
        reason: error.to_string(),
    })
}

fn time(nanoseconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // Writing numbers into a string can't fail for a year of four digits.
    time.format(FORMAT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(attributes: &[(&str, &str)]) -> EngineEvent {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        EngineEvent {
            at: 1_795_517_964_514_606_173,
            kind: "container".into(),
            action: "died".into(),
            id: "abc123def456".repeat(6)[..64].to_owned(),
            name: "web".into(),
            attributes: attributes.iter().map(pair).collect(),
        }
    }

    #[test]
    fn a_death_in_full() {
        let event = event(&[
            ("image", "alpine:latest"),
            ("containerExitCode", "137"),
            ("course", "net-101"),
            ("io.podlane.tenant", "class-7"),
            ("io.podlane.made-by", "secret"),
        ]);
        let known = Known { oom: Some(true) };
        let body = about("msg_1", WebhookEvent::Died, &event, known).expect("written");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "id": "msg_1",
                "type": "container.died",
                "timestamp": "2026-11-24T10:59:24.514606",
                "data": {
                    "container": {
                        "id": "abc123def456",
                        "name": "web",
                        "image": "alpine:latest",
                        "labels": { "course": "net-101", "io.podlane.tenant": "class-7" },
                    },
                    "exit_code": 137,
                    "oom": true,
                    "health": null,
                },
            })
        );
    }

    #[test]
    fn long_labels_are_left_out() {
        let long = "x".repeat(LABELS);
        let event = event(&[("a", "b"), ("long", &long), ("z", "y")]);
        let body = about("msg_1", WebhookEvent::Start, &event, Known::default()).expect("written");
        assert!(body.contains(r#""labels":{"a":"b","z":"y"}"#), "{body}");
        assert!(body.contains(r#""exit_code":null"#), "{body}");
    }

    #[test]
    fn one_event_has_one_id_for_each_webhook() {
        let (one, mut other) = (event(&[]), event(&[]));
        let first = id("a", WebhookEvent::Died, &one);
        assert_eq!(first.len(), 36);
        assert_eq!(first, id("a", WebhookEvent::Died, &other));
        assert_ne!(first, id("b", WebhookEvent::Died, &one));
        assert_ne!(first, id("a", WebhookEvent::Oom, &one));
        other.at += 1;
        assert_ne!(first, id("a", WebhookEvent::Died, &other));
    }
}
