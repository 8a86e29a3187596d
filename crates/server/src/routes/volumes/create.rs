//! `POST /api/v1/volumes`

use super::answer;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use crate::routes::values;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateVolume, OneVolume, True};
use podlane_engine::{NewVolume, VolumeName};
use podlane_service::{Call, Service};

/// Make a volume.
///
/// What it holds outlives containers.
#[utoipa::path(
    post,
    path = "/api/v1/volumes",
    tag = "volumes",
    request_body = CreateVolume,
    responses((status = 200, description = "The volume.", body = OneVolume))
)]
pub(crate) async fn create_volume(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateVolume>,
) -> Result<axum::Json<OneVolume>> {
    let new = NewVolume {
        name: VolumeName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        labels: values::labels(body.labels)?,
    };
    let volume = service.create_volume(&call, new).await?;
    Ok(axum::Json(OneVolume {
        success: True,
        volume: answer(volume),
    }))
}
