//! `POST /api/v1/containers/{name}/pause`
//!
//! Pausing a paused container is no error; `changed` is false then.

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Name, NoBody, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::ChangedContainer;
use podlane_service::{Call, Service};

/// Freeze all processes of a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/pause",
    tag = "containers",
    responses((status = 200, description = "It is frozen.", body = ChangedContainer))
)]
pub(crate) async fn pause_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<ChangedContainer>> {
    let altered = service.pause_container(&call, &name).await?;
    Ok(Json(changed(altered)))
}
