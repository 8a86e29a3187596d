//! `GET /api/v1/volumes`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, VolumeList};
use podlane_service::{Call, Service};

/// List the volumes.
#[utoipa::path(
    get,
    path = "/api/v1/volumes",
    tag = "volumes",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The volumes.", body = VolumeList))
)]
pub(crate) async fn list_volumes(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
) -> Result<Json<VolumeList>> {
    let volumes = service.volumes(&call, &labelled.labels()?).await?;
    Ok(Json(VolumeList {
        success: True,
        volumes: volumes.into_iter().map(answer).collect(),
    }))
}
