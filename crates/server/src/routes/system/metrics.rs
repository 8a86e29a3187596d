//! `GET /api/v1/metrics`
//!
//! The contract's numbers; `/metrics` has more, for Prometheus. Asks no engine.

use crate::extract::Query;
use crate::{Metrics, timestamp};
use axum::Json;
use axum::extract::State;
use podlane_service::Service;
use std::time::Duration;

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
    Query(()): Query<()>,
) -> Json<podlane_api::Metrics> {
    let (load, uptime) = (service.load(), metrics.uptime());
    Json(podlane_api::Metrics {
        uptime_seconds: uptime.as_secs(),
        uptime_human: human(uptime),
        active_threads: load.busy as u64,
        max_workers: load.workers as u64,
        queued: load.queued as u64,
        max_queued: load.queue as u64,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        timestamp: timestamp::now(),
    })
}

/// `1:00:00`, `1 day, 1:00:00`, `2 days, 0:00:01`.
fn human(uptime: Duration) -> String {
    let seconds = uptime.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let clock = format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_like_the_contract() {
        for (seconds, text) in [
            (0, "0:00:00"),
            (3600, "1:00:00"),
            (90_061, "1 day, 1:01:01"),
            (172_800, "2 days, 0:00:00"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }
}
