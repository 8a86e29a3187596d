//! `GET /api/v1/volumes/{volume}`

use super::answer;
use crate::error::Result;
use crate::extract::{Query, Volume};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneVolume, True};
use podlane_service::{Call, Service};

/// Look at one volume.
#[utoipa::path(
    get,
    path = "/api/v1/volumes/{volume}",
    tag = "volumes",
    params(("volume" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The volume.", body = OneVolume))
)]
pub(crate) async fn inspect_volume(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Volume(name): Volume,
    Query(()): Query<()>,
) -> Result<Json<OneVolume>> {
    let volume = service.volume(&call, &name).await?;
    Ok(Json(OneVolume {
        success: True,
        volume: answer(volume),
    }))
}
