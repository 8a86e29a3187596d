//! `DELETE /api/v1/recordings/{id}`
//!
//! One that is still being written goes too; what comes after is written nowhere.

use super::Id;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedRecording, True};
use podlane_service::{Call, Error, Service};

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
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedRecording>> {
    if !service.remove_recording(&call, &id).await? {
        return Err(Error::NoRecording.into());
    }
    Ok(Json(RemovedRecording { success: True, id }))
}
