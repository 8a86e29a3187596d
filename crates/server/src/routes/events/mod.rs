//! `GET /api/v1/events`

use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::{self, Form};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use podlane_api::Happened;
use podlane_service::{Call, EventFilter, Service};
use std::time::SystemTime;

/// `?type=container&action=died&action=start&subject=my-container&since=2026-11-24T10:00:00Z`
pub(crate) struct Wanted {
    filter: EventFilter,
    since: Option<SystemTime>,
}

/// What things happen to. Source: `libpod/events/config.go`.
const KINDS: [&str; 8] = [
    "container",
    "image",
    "machine",
    "network",
    "pod",
    "secret",
    "system",
    "volume",
];
/// Docker's words that no Podman has, and Podman's for the same. Other words are let be: a newer Podman may tell more.
const ALIASES: [(&str, &str); 8] = [
    ("delete", "remove"),
    ("destroy", "remove"),
    ("die", "died"),
    ("exec_create", "exec"),
    ("exec_die", "exec_died"),
    ("exec_start", "exec"),
    ("load", "loadfromarchive"),
    ("oom", "died"),
];

fn kinds(words: &[String]) -> Result<Vec<String>, Refusal> {
    if words.iter().all(|word| KINDS.contains(&word.as_str())) {
        return Ok(words.to_vec());
    }
    let message = format!("query parameter `type` must be one of {}", KINDS.join(", "));
    Err(Refusal::field("type", message))
}

fn actions(words: &[String]) -> Result<Vec<String>, Refusal> {
    let mut aliases = ALIASES.iter();
    match aliases.find(|(alias, _)| words.iter().any(|word| word == alias)) {
        None => Ok(words.to_vec()),
        Some((alias, word)) => {
            let message = format!(
                "query parameter `action`: Podman has no event `{alias}`; ask for `{word}`"
            );
            Err(Refusal::field("action", message))
        }
    }
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["type", "action", "subject", "since"];
    const REPEATED: &'static [&'static str] = &["type", "action"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            filter: EventFilter {
                kinds: kinds(parameters.all("type"))?,
                actions: actions(parameters.all("action"))?,
                subject: parameters.get("subject").map(str::to_owned),
            },
            since: parameters.time("since")?,
        })
    }
}

fn nanos(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}

/// Be told what happens to containers, images, volumes, networks and pods.
///
/// Also what others do, with the podman command for instance. As server-sent events, or as lines of JSON if
/// `Accept` says so.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(
        ("type" = Vec<String>, Query, description = "Only those of this kind of thing: container, image, machine, network, pod, secret, system or volume. May be repeated; one must fit."),
        ("action" = Vec<String>, Query, description = "Only these, in Podman's words: create, start, died, remove and others. May be repeated; one must fit."),
        ("subject" = Option<String>, Query, description = "Only those of what has this name, or an ID that begins with it."),
        ("since" = Option<String>, Query, description = "What has happened since this time first: RFC 3339, or whole seconds since 1970."),
        ("Last-Event-ID" = Option<i64>, Header, description = "What has happened since this event first; `since` says nothing then."),
    ),
    responses((status = 200, description = "Events, for as long as somebody reads them.", content((Happened = "text/event-stream"), (Happened = "application/x-ndjson"))))
)]
pub(crate) async fn events(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(wanted): Query<Wanted>,
    form: Form,
    headers: HeaderMap,
) -> Result<Response> {
    let form = match form {
        Form::Lines => Form::Lines,
        _ => Form::EventStream,
    };
    let last = headers.get("last-event-id").map(|id| {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        let message = "the header Last-Event-ID must be the id of an event";
        id.ok_or_else(|| Refusal::field("Last-Event-ID", message))
    });
    let after = last.transpose()?.or_else(|| wanted.since.map(nanos));
    let reader = service.events(&call, wanted.filter, after)?;
    Ok(stream::happening(form, &call, reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_never_told_is_refused() {
        for (kind, good) in [
            ("container", true),
            ("secret", true),
            ("containers", false),
            ("", false),
        ] {
            assert_eq!(kinds(&words(&["image", kind])).is_ok(), good, "{kind}");
        }
        for (action, good) in [
            ("died", true),
            ("auto-update", true),
            ("of-tomorrow", true),
            ("die", false),
            ("destroy", false),
        ] {
            assert_eq!(
                actions(&words(&["start", action])).is_ok(),
                good,
                "{action}"
            );
        }
        assert!(
            ALIASES
                .iter()
                .all(|(_, word)| actions(&words(&[word])).is_ok())
        );
    }
}
