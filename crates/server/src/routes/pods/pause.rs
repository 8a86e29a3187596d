//! `POST /api/v1/pods/{pod}/pause`

use super::altered;
use crate::error::Result;
use crate::extract::{NoBody, Pod, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::AlteredPod;
use podlane_service::{Call, Service};

/// Freeze every running container of a pod.
#[utoipa::path(
    post,
    path = "/api/v1/pods/{pod}/pause",
    tag = "pods",
    params(("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID.")),
    responses((status = 200, description = "They are frozen.", body = AlteredPod))
)]
pub(crate) async fn pause_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<AlteredPod>> {
    Ok(Json(altered(service.pause_pod(&call, &pod).await?)))
}
