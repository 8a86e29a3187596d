//! `POST /api/v1/containers/{name}/unpause`
//!
//! Unpausing a running container is no error; `changed` is false then.

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Name, NoBody, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::ChangedContainer;
use podlane_service::{Call, Service};

/// Let the processes of a paused container go on.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/unpause",
    tag = "containers",
    responses((status = 200, description = "It runs.", body = ChangedContainer))
)]
pub(crate) async fn unpause_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<ChangedContainer>> {
    let altered = service.unpause_container(&call, &name).await?;
    Ok(Json(changed(altered)))
}
