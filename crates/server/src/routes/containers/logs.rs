//! `GET /api/v1/containers/{name}/logs`

use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::{self, Form};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use podlane_api::{ContainerLogs, LogEvent, Logs, True};
use podlane_engine::Source;
use podlane_service::{Call, LogMark, Matching, ReadLogs, Service, Tail};

/// Characters of a regular expression.
const PATTERN: usize = 1024;

/// `?tail=100&since=2026-11-23T15:54:16Z&until=1795449256&stream=stderr&grep=error&timestamps=true`
pub(crate) struct Part {
    read: ReadLogs,
    follow: bool,
}

impl QueryShape for Part {
    const NAMES: &'static [&'static str] = &[
        "tail",
        "since",
        "until",
        "stream",
        "grep",
        "timestamps",
        "follow",
    ];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let tail = match parameters.get("tail") {
            None => Tail::Lines(100),
            Some("all") => Tail::All,
            Some(_) => Tail::Lines(parameters.count("tail", "a non-negative integer or \"all\"")?),
        };
        let only = match parameters.get("stream") {
            None | Some("all") => None,
            Some("stdout") => Some(Source::Stdout),
            Some("stderr") => Some(Source::Stderr),
            Some(_) => {
                let message = "query parameter `stream` must be stdout, stderr or all";
                return Err(Refusal::field("stream", message));
            }
        };
        let read = ReadLogs {
            tail,
            since: parameters.time("since")?,
            until: parameters.time("until")?,
            only,
            matching: parameters.get("grep").map(matching).transpose()?,
            times: parameters.flag("timestamps")?.unwrap_or_default(),
        };
        let follow = parameters.flag("follow")?.unwrap_or_default();
        if follow && read.until.is_some() {
            let message = "query parameters `follow` and `until` can't be used together";
            return Err(Refusal::field("follow", message));
        }
        Ok(Self { read, follow })
    }
}

fn matching(pattern: &str) -> Result<Matching, Refusal> {
    let built = if pattern.chars().count() > PATTERN {
        Err(format!("it has more than {PATTERN} characters"))
    } else {
        Matching::new(pattern)
    };
    built.map_err(|reason| {
        let message = format!("query parameter `grep` must be a regular expression: {reason}");
        Refusal::field("grep", message)
    })
}

/// Where a reader has come to: the header `Last-Event-ID`.
fn last_event(headers: &HeaderMap) -> Result<Option<LogMark>, Refusal> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let id = id.to_str().ok().and_then(LogMark::parse);
    let message = "the header Last-Event-ID must be the id of an event of this log";
    id.map(Some)
        .ok_or_else(|| Refusal::field("Last-Event-ID", message))
}

/// Read the end of a container's log, and follow it.
///
/// As one answer, or by `Accept` as events, which go on behind `Last-Event-ID` if that is given; with `follow`
/// until the container ends.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/logs",
    tag = "containers",
    params(
        ("tail" = Option<String>, Query, description = "Number of lines from the end, or `all`; 100 if left out.", example = "20"),
        ("since" = Option<String>, Query, description = "Only what was written after this time: RFC 3339, or whole seconds since 1970."),
        ("until" = Option<String>, Query, description = "Only what was written before this time."),
        ("stream" = Option<String>, Query, description = "`stdout`, `stderr` or `all` (the default)."),
        ("grep" = Option<String>, Query, description = "Only lines that this regular expression matches; at most 1,024 characters."),
        ("timestamps" = Option<bool>, Query, description = "When each line was begun: before it, or of events in their field `at`. Not if left out."),
        ("follow" = Option<bool>, Query, description = "Of events: what is written from now on too, until the container ends. Not if left out."),
        ("Last-Event-ID" = Option<String>, Header, description = "Of events: only what comes behind this one, or all if it is of another container; `tail` says nothing then.", example = "8691f60be54f.4711"),
    ),
    responses((status = 200, description = "The lines, or by `Accept` events.", content((ContainerLogs = "application/json"), (LogEvent = "text/event-stream"), (LogEvent = "application/x-ndjson"))))
)]
pub(crate) async fn container_logs(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Part { read, follow }): Query<Part>,
    form: Form,
    headers: HeaderMap,
) -> Result<Response> {
    if matches!(form, Form::EventStream | Form::Lines) {
        let after = last_event(&headers)?;
        let reader = service.stream_logs(&call, &name, read, follow, after);
        return Ok(stream::logs(form, &call, reader.await?));
    }
    if follow {
        let message = "a log is followed as events: send the header Accept: text/event-stream or application/x-ndjson";
        return Err(Refusal::field("follow", message).into());
    }
    let logs = service.container_logs(&call, &name, &read).await?;
    let body = ContainerLogs {
        success: True,
        container: Logs {
            name: logs.name,
            logs: logs.text,
            truncated: logs.truncated,
        },
    };
    Ok(Json(body).into_response())
}
