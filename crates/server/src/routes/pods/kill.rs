//! `POST /api/v1/pods/{pod}/kill`

use super::altered;
use crate::error::Result;
use crate::extract::{NoBody, Pod, Query};
use crate::routes::containers::kill::Which;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::AlteredPod;
use podlane_service::{Call, Service};

/// Send a signal to the main process of every running container of a pod.
#[utoipa::path(
    post,
    path = "/api/v1/pods/{pod}/kill",
    tag = "pods",
    params(
        ("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID."),
        ("signal" = Option<String>, Query, description = "A signal's name, with or without `SIG`, or its number; `KILL` if left out."),
    ),
    responses((status = 200, description = "It was sent.", body = AlteredPod))
)]
pub(crate) async fn kill_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(Which(signal)): Query<Which>,
    NoBody: NoBody,
) -> Result<Json<AlteredPod>> {
    Ok(Json(altered(service.kill_pod(&call, &pod, signal).await?)))
}
