//! `DELETE /api/v1/volumes/{volume}`

use crate::error::Result;
use crate::extract::{NoBody, Query, Volume};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedByName, True};
use podlane_service::{Call, Service};

/// Remove a volume with what it holds.
///
/// One that a container has, running or not, stays: 409.
#[utoipa::path(
    delete,
    path = "/api/v1/volumes/{volume}",
    tag = "volumes",
    params(("volume" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It is gone.", body = RemovedByName))
)]
pub(crate) async fn remove_volume(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Volume(name): Volume,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedByName>> {
    let removed = name.to_string();
    service.remove_volume(&call, name).await?;
    Ok(Json(RemovedByName {
        success: True,
        name: removed,
        removed: True,
    }))
}
