//! `POST /api/v1/pods/{pod}/unpause`

use super::altered;
use crate::error::Result;
use crate::extract::{NoBody, Pod, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::AlteredPod;
use podlane_service::{Call, Service};

/// Let every frozen container of a pod go on.
#[utoipa::path(
    post,
    path = "/api/v1/pods/{pod}/unpause",
    tag = "pods",
    params(("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID.")),
    responses((status = 200, description = "They go on.", body = AlteredPod))
)]
pub(crate) async fn unpause_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<AlteredPod>> {
    Ok(Json(altered(service.unpause_pod(&call, &pod).await?)))
}
