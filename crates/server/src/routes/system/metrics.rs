//! `GET /api/v1/metrics`
//!
//! The contract's numbers; `/metrics` has more, for Prometheus. Asks no engine.

use super::uptime::human;
use crate::error::Result;
use crate::extract::Query;
use crate::{Metrics, timestamp};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_service::{Call, Service};

/// Read the server's numbers.
#[utoipa::path(
    get,
    path = "/api/v1/metrics",
    tag = "system",
    responses((status = 200, description = "The numbers now.", body = podlane_api::Metrics))
)]
pub(crate) async fn metrics(
    State(service): State<Service>,
    State(metrics): State<Metrics>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<podlane_api::Metrics>> {
    let (load, uptime) = (service.load(&call)?, metrics.uptime());
    Ok(Json(podlane_api::Metrics {
        uptime_seconds: uptime.as_secs(),
        uptime_human: human(uptime),
        active_threads: load.busy as u64,
        max_workers: load.workers as u64,
        queued: load.queued as u64,
        max_queued: load.queue as u64,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        timestamp: timestamp::now(),
    }))
}
