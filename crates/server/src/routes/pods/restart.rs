//! `POST /api/v1/pods/{pod}/restart`

use super::altered;
use crate::error::Result;
use crate::extract::{NoBody, Pod, Query, Timeout};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::AlteredPod;
use podlane_service::{Call, Service};

/// Stop every container of a pod, and start it.
#[utoipa::path(
    post,
    path = "/api/v1/pods/{pod}/restart",
    tag = "pods",
    params(
        ("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID."),
        ("timeout" = Option<u64>, Query, description = "Seconds until a container is killed, at most the server's request time-out; its own stop time-out if left out."),
    ),
    responses((status = 200, description = "All its containers run.", body = AlteredPod))
)]
pub(crate) async fn restart_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(Timeout(grace)): Query<Timeout>,
    NoBody: NoBody,
) -> Result<Json<AlteredPod>> {
    Refusal::unless_within("timeout", grace, call.limit)?;
    Ok(Json(altered(
        service.restart_pod(&call, &pod, grace).await?,
    )))
}
