//! `DELETE /api/v1/recordings/{id}`
//!
//! One that is still being written goes too; what comes after is written nowhere.

use super::Id;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use axum::Json;
use axum::extract::State;
use podlane_api::{RemovedRecording, True};
use podlane_service::{Error, Service};

/// Remove a recording.
#[utoipa::path(
    delete,
    path = "/api/v1/recordings/{id}",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording's name.")),
    responses((status = 200, description = "It is gone.", body = RemovedRecording))
)]
pub(crate) async fn remove_recording(
    State(service): State<Service>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedRecording>> {
    if !service.remove_recording(&id).await? {
        return Err(Error::NoRecording.into());
    }
    Ok(Json(RemovedRecording { success: True, id }))
}
