//! `DELETE /api/v1/pods/{pod}`

use crate::error::Result;
use crate::extract::{NoBody, Pod, Query};
use crate::routes::containers::remove::Force;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedPod, True};
use podlane_service::{Call, Service};

/// Remove a pod with its containers.
///
/// One of which a container runs is removed with `force` only; without it the answer is 409, and nothing is removed.
#[utoipa::path(
    delete,
    path = "/api/v1/pods/{pod}",
    tag = "pods",
    params(
        ("pod" = String, Path, description = "Its name, its ID or an unambiguous beginning of its ID."),
        ("force" = Option<bool>, Query, description = "Kill its containers first if they run. `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case."),
    ),
    responses((status = 200, description = "It is gone.", body = RemovedPod))
)]
pub(crate) async fn remove_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Pod(pod): Pod,
    Query(Force(force)): Query<Force>,
    NoBody: NoBody,
) -> Result<Json<RemovedPod>> {
    let (id, name) = service.remove_pod(&call, &pod, force).await?;
    Ok(Json(RemovedPod {
        success: True,
        id: id.short().to_owned(),
        name,
        removed: True,
    }))
}
