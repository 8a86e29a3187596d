//! `GET /api/v1/pods/{pod}`

use super::answer;
use crate::error::Result;
use crate::extract::{Pod, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OnePod, True};
use podlane_service::{Call, Service};

/// Look at one pod.
#[utoipa::path(
    get,
    path = "/api/v1/pods/{pod}",
    tag = "pods",
    params(("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID.")),
    responses((status = 200, description = "The pod.", body = OnePod))
)]
pub(crate) async fn inspect_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(()): Query<()>,
) -> Result<Json<OnePod>> {
    let pod = service.pod(&call, &pod).await?;
    Ok(Json(OnePod {
        success: True,
        pod: answer(pod),
    }))
}
