//! `POST /api/v1/containers/{name}/restart`
//!
//! A stop, if it runs, and a start.

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Name, NoBody, Query, Timeout};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::ChangedContainer;
use podlane_service::{Call, Service};

/// Stop a container if it runs, and start it.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/restart",
    tag = "containers",
    params(("timeout" = Option<u64>, Query, description = "Seconds until it is killed, at most the server's request time-out; the container's own stop time-out if left out.")),
    responses((status = 200, description = "It runs.", body = ChangedContainer))
)]
pub(crate) async fn restart_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Timeout(grace)): Query<Timeout>,
    NoBody: NoBody,
) -> Result<Json<ChangedContainer>> {
    Refusal::unless_within("timeout", grace, call.limit)?;
    let altered = service.restart_container(&call, &name, grace).await?;
    Ok(Json(changed(altered)))
}
