//! `GET /api/v1/containers/{name}/logs`

use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ContainerLogs, Logs, True};
use podlane_service::{Call, Service, Tail};

/// `?tail=100`
pub(crate) struct Lines(Tail);

impl QueryShape for Lines {
    const NAMES: &'static [&'static str] = &["tail"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        match parameters.get("tail") {
            None => Ok(Self(Tail::Lines(100))),
            Some("all") => Ok(Self(Tail::All)),
            Some(_) => parameters
                .count("tail", "a non-negative integer or \"all\"")
                .map(|lines| Self(Tail::Lines(lines))),
        }
    }
}

/// Read the end of a container's log.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/logs",
    tag = "containers",
    params(("tail" = Option<String>, Query, description = "Number of lines from the end, or `all`; 100 if left out.", example = "20")),
    responses((status = 200, description = "The lines.", body = ContainerLogs))
)]
pub(crate) async fn container_logs(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Lines(tail)): Query<Lines>,
) -> Result<Json<ContainerLogs>> {
    let logs = service.container_logs(&call, &name, tail).await?;
    Ok(Json(ContainerLogs {
        success: True,
        container: Logs {
            name: logs.name,
            logs: logs.text,
            truncated: logs.truncated,
        },
    }))
}
