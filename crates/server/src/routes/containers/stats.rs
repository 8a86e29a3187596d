//! `GET /api/v1/containers/{name}/stats` and `GET /api/v1/stats`

use crate::error::Result;
use crate::extract::{Name, Query};
use crate::stream::{self, Form};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use podlane_api::{ContainerStats, Measured, Stats, StatsList, True};
use podlane_service::{Call, Service};

/// Measure what a container uses.
///
/// One that does not run uses nothing. By `Accept` as events, about one a second, until it does not run any more.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/stats",
    tag = "containers",
    responses((status = 200, description = "What it uses now, or by `Accept` events.", content((ContainerStats = "application/json"), (Measured = "text/event-stream"), (Measured = "application/x-ndjson"))))
)]
pub(crate) async fn container_stats(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    form: Form,
) -> Result<Response> {
    if matches!(form, Form::EventStream | Form::Lines) {
        let reader = service.stream_stats(&call, Some(&name)).await?;
        return Ok(stream::measured(form, &call, reader, answer));
    }
    let stats = service.stats(&call, &name).await?;
    Ok(Json(ContainerStats {
        success: True,
        stats: answer(stats),
    })
    .into_response())
}

/// Measure what each running container uses.
///
/// By `Accept` as events, about one a second.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "containers",
    responses((status = 200, description = "What each uses now, or by `Accept` events.", content((StatsList = "application/json"), (Measured = "text/event-stream"), (Measured = "application/x-ndjson"))))
)]
pub(crate) async fn all_stats(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    form: Form,
) -> Result<Response> {
    if matches!(form, Form::EventStream | Form::Lines) {
        let reader = service.stream_stats(&call, None).await?;
        return Ok(stream::measured(form, &call, reader, answer));
    }
    let stats = service.all_stats(&call).await?;
    Ok(Json(StatsList {
        success: True,
        stats: stats.into_iter().map(answer).collect(),
    })
    .into_response())
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
