//! `DELETE /api/v1/execs/{id}`

use super::Id;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::stream::convert::survivor;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedBackgroundExec, RemovedExec, True};
use podlane_service::{Call, Service};

/// End a background command with everything that it started, and remove it with its output.
#[utoipa::path(
    delete,
    path = "/api/v1/execs/{id}",
    tag = "execs",
    responses((status = 200, description = "It is gone.", body = RemovedBackgroundExec))
)]
pub(crate) async fn remove_exec(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedBackgroundExec>> {
    let removed = service.remove_exec(&call, &id).await?;
    Ok(Json(RemovedBackgroundExec {
        success: True,
        exec: RemovedExec {
            id: id.to_string(),
            removed: True,
            killed: removed.killed,
            survivors: removed.survivors.iter().map(survivor).collect(),
        },
    }))
}
