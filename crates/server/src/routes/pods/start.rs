//! `POST /api/v1/pods/{pod}/start`

use super::altered;
use crate::error::Result;
use crate::extract::{NoBody, Pod, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::AlteredPod;
use podlane_service::{Call, Service};

/// Start every container of a pod that does not run.
#[utoipa::path(
    post,
    path = "/api/v1/pods/{pod}/start",
    tag = "pods",
    params(("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID.")),
    responses((status = 200, description = "All its containers run.", body = AlteredPod))
)]
pub(crate) async fn start_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<AlteredPod>> {
    Ok(Json(altered(service.start_pod(&call, &pod).await?)))
}
