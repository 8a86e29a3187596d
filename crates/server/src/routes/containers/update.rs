//! `POST /api/v1/containers/{name}/update`

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use crate::refusal::Refusal;
use crate::routes::limits;
use axum::Extension;
use axum::extract::State;
use podlane_api::{ChangedContainer, UpdateContainer};
use podlane_service::{Call, Service};

/// Change what a running container may use at most.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/update",
    tag = "containers",
    request_body = UpdateContainer,
    responses((status = 200, description = "Its limits are those.", body = ChangedContainer))
)]
pub(crate) async fn update_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<UpdateContainer>,
) -> Result<axum::Json<ChangedContainer>> {
    let limits = limits::limits(&body.limits)?;
    if limits.log_bytes.is_some() {
        let message =
            "`limits.log_size` is for new containers: it can't be changed in one that is there";
        return Err(Refusal::field("limits.log_size", message).into());
    }
    if limits.open_files.is_some() {
        let message = "`limits.nofile` is for new containers: it can't be changed in one that runs";
        return Err(Refusal::field("limits.nofile", message).into());
    }
    if limits == podlane_engine::Limits::default() {
        let message = "`limits` must have one of memory, memory_swap, cpus and pids";
        return Err(Refusal::field("limits", message).into());
    }
    let altered = service.update_container(&call, &name, limits).await?;
    Ok(axum::Json(changed(altered)))
}
