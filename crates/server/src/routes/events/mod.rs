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

/// `?type=container&action=died&action=oom&subject=my-container&since=2026-11-24T10:00:00Z`
pub(crate) struct Wanted {
    filter: EventFilter,
    since: Option<SystemTime>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["type", "action", "subject", "since"];
    const REPEATED: &'static [&'static str] = &["type", "action"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            filter: EventFilter {
                kinds: parameters.all("type").to_vec(),
                actions: parameters.all("action").to_vec(),
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
        ("type" = Vec<String>, Query, description = "Only those of this kind of thing: container, image, volume, network, pod and others. May be repeated; one must fit."),
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
