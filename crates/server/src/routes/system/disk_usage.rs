//! `GET /api/v1/disk-usage`

use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{DiskShare, DiskUsage, True};
use podlane_service::{Call, Service};

/// Measure what images, containers and volumes take on Podman's disk.
///
/// Podman looks at every file for that: it takes long where there are many.
#[utoipa::path(
    get,
    path = "/api/v1/disk-usage",
    tag = "system",
    responses((status = 200, description = "What they take.", body = DiskUsage))
)]
pub(crate) async fn disk_usage(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<DiskUsage>> {
    let usage = service.disk_usage(&call).await?;
    let share = |share: podlane_engine::DiskShare| DiskShare {
        count: share.count,
        active: share.active,
        size_bytes: share.size,
        reclaimable_bytes: share.reclaimable,
    };
    Ok(Json(DiskUsage {
        success: True,
        images: share(usage.images),
        containers: share(usage.containers),
        volumes: share(usage.volumes),
    }))
}
