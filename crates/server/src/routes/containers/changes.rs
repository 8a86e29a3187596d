//! `GET /api/v1/containers/{name}/changes`

use crate::error::Result;
use crate::extract::{Name, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ChangeKind, ChangeList, PathChange, True};
use podlane_service::{Call, Service};

/// List what in a container differs from its image, whether it runs or not.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/changes",
    tag = "containers",
    responses((status = 200, description = "The paths that differ.", body = ChangeList))
)]
pub(crate) async fn container_changes(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Json<ChangeList>> {
    let changes = service.changes(&call, &name).await?;
    let change = |change: podlane_engine::PathChange| PathChange {
        path: change.path,
        kind: match change.kind {
            podlane_engine::ChangeKind::Added => ChangeKind::Added,
            podlane_engine::ChangeKind::Modified => ChangeKind::Modified,
            podlane_engine::ChangeKind::Deleted => ChangeKind::Deleted,
        },
    };
    Ok(Json(ChangeList {
        success: True,
        changes: changes.into_iter().map(change).collect(),
    }))
}
