//! `POST /api/v1/containers/{name}/stop`
//!
//! Stopping a stopped container is no error; `changed` is false then.

use crate::error::Result;
use crate::extract::{Name, NoBody, Query, Timeout};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Stopped, StoppedContainer, StoppedWord, True};
use podlane_engine::Change;
use podlane_service::{Call, Service};

/// Stop a running container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/stop",
    tag = "containers",
    params(("timeout" = Option<u64>, Query, description = "Seconds until it is killed, at most the server's request time-out; the container's own stop time-out if left out.")),
    responses((status = 200, description = "It does not run.", body = StoppedContainer))
)]
pub(crate) async fn stop_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Timeout(grace)): Query<Timeout>,
    NoBody: NoBody,
) -> Result<Json<StoppedContainer>> {
    Refusal::unless_within("timeout", grace, call.limit)?;
    let acted = service.stop_container(&call, &name, grace).await?;
    Ok(Json(StoppedContainer {
        success: True,
        container: Stopped {
            id: acted.id.short().to_owned(),
            name: acted.name,
            status: StoppedWord::Stopped,
            changed: acted.change == Change::Done,
        },
    }))
}
