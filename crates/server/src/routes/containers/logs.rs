//! `GET /api/v1/containers/{name}/logs`

use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ContainerLogs, Logs, True};
use podlane_engine::Source;
use podlane_service::{Call, Matching, ReadLogs, Service, Tail};

/// Characters of a regular expression.
const PATTERN: usize = 1024;

/// `?tail=100&since=2026-11-23T15:54:16Z&until=1795449256&stream=stderr&grep=error`
pub(crate) struct Part(ReadLogs);

impl QueryShape for Part {
    const NAMES: &'static [&'static str] = &["tail", "since", "until", "stream", "grep"];

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
        Ok(Self(ReadLogs {
            tail,
            since: parameters.time("since")?,
            until: parameters.time("until")?,
            only,
            matching: parameters.get("grep").map(matching).transpose()?,
        }))
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

/// Read the end of a container's log.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/logs",
    tag = "containers",
    params(
        ("tail" = Option<String>, Query, description = "Number of lines from the end, or `all`; 100 if left out.", example = "20"),
        ("since" = Option<String>, Query, description = "Only what was written after this time: RFC 3339, or whole seconds since 1970."),
        ("until" = Option<String>, Query, description = "Only what was written before this time."),
        ("stream" = Option<String>, Query, description = "`stdout`, `stderr` or `all` (the default)."),
        ("grep" = Option<String>, Query, description = "Only lines that this regular expression matches; at most 1,024 characters.")
    ),
    responses((status = 200, description = "The lines.", body = ContainerLogs))
)]
pub(crate) async fn container_logs(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Part(read)): Query<Part>,
) -> Result<Json<ContainerLogs>> {
    let logs = service.container_logs(&call, &name, &read).await?;
    Ok(Json(ContainerLogs {
        success: True,
        container: Logs {
            name: logs.name,
            logs: logs.text,
            truncated: logs.truncated,
        },
    }))
}
