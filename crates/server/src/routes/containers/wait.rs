//! `POST /api/v1/containers/{name}/wait`
//!
//! Past the time it answers the container as it is: `met` tells whether what was waited for has come.

use crate::error::Result;
use crate::extract::{Name, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, Waited, WaitedContainer};
use podlane_service::{Call, Condition, Service};
use std::time::Duration;

/// `?condition=running&timeout=10`
pub(crate) struct Wish(Condition, Option<Duration>);

impl QueryShape for Wish {
    const NAMES: &'static [&'static str] = &["condition", "timeout"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let condition = match parameters.get("condition") {
            Some("running") => Condition::Running,
            Some("healthy") => Condition::Healthy,
            None | Some("exited") => Condition::Exited,
            Some("removed") => Condition::Removed,
            Some(_) => {
                let message =
                    "query parameter `condition` must be running, healthy, exited or removed";
                return Err(Refusal::field("condition", message));
            }
        };
        let limit = parameters.seconds("timeout")?;
        Ok(Self(condition, limit.map(Duration::from_secs)))
    }
}

/// Wait until a container is as wished.
///
/// What can't come true any more is answered at once with 409: health of what has no health check or has ended,
/// anything but `removed` of what is removed meanwhile. One that was started and has ended again has been `running`.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/wait",
    tag = "containers",
    params(
        ("condition" = Option<String>, Query, description = "`running`, `healthy`, `exited` (the default) or `removed`."),
        ("timeout" = Option<u64>, Query, description = "Seconds to wait, at most the server's request time-out, which is the default.")
    ),
    responses((status = 200, description = "The container: as wished, or as it was when the time was up.", body = WaitedContainer))
)]
pub(crate) async fn wait_for_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Wish(condition, limit)): Query<Wish>,
    NoBody: NoBody,
) -> Result<Json<WaitedContainer>> {
    Refusal::unless_within("timeout", limit, call.limit)?;
    let limit = limit.unwrap_or(call.limit);
    let waited = service
        .wait_for_container(&call, &name, condition, limit)
        .await?;
    let container = waited.container;
    Ok(Json(WaitedContainer {
        success: True,
        container: Waited {
            id: container.id.short().to_owned(),
            name: container.name,
            status: container.status.to_string(),
            health: container.health.map(|health| health.as_str().to_owned()),
            exit_code: container.exit_code,
            met: waited.met,
        },
    }))
}
