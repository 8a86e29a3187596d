//! `GET /metrics`

use crate::Metrics;
use crate::error::Result;
use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use podlane_service::{Call, Service};

/// The format that is written: `OpenMetrics`, which Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Read the server's metrics as Prometheus does.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    responses((status = 200, description = "The metrics as OpenMetrics text.", body = String, content_type = OPEN_METRICS))
)]
pub(crate) async fn prometheus(
    State(service): State<Service>,
    State(metrics): State<Metrics>,
    Extension(call): Extension<Call>,
) -> Result<impl IntoResponse> {
    Ok((
        [(CONTENT_TYPE, OPEN_METRICS)],
        metrics.encode(service.load(&call)?),
    ))
}
