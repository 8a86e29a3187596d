//! `GET /api/v1/containers/{name}/stats` and `GET /api/v1/stats`

use crate::error::Result;
use crate::extract::{Name, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ContainerStats, Stats, StatsList, True};
use podlane_service::{Call, Service};

/// Measure what a container uses.
///
/// One that does not run uses nothing.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/stats",
    tag = "containers",
    responses((status = 200, description = "What it uses now.", body = ContainerStats))
)]
pub(crate) async fn container_stats(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Json<ContainerStats>> {
    let stats = service.stats(&call, &name).await?;
    Ok(Json(ContainerStats {
        success: True,
        stats: answer(stats),
    }))
}

/// Measure what each running container uses.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "containers",
    responses((status = 200, description = "What each uses now.", body = StatsList))
)]
pub(crate) async fn all_stats(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<StatsList>> {
    let stats = service.all_stats(&call).await?;
    Ok(Json(StatsList {
        success: True,
        stats: stats.into_iter().map(answer).collect(),
    }))
}

fn answer(stats: podlane_engine::Stats) -> Stats {
    Stats {
        id: stats.id.short().to_owned(),
        name: stats.name,
        cpu_percent: stats.cpu_percent,
        cpu_seconds: stats.cpu_time.as_secs_f64(),
        memory_bytes: stats.memory,
        memory_limit_bytes: stats.memory_limit,
        network_received_bytes: stats.received,
        network_sent_bytes: stats.sent,
        block_read_bytes: stats.read,
        block_written_bytes: stats.written,
        pids: stats.pids,
    }
}
