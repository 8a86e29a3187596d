//! `GET /api/v1/health`
//!
//! An engine that does not answer is 503, whatever the reason; the body is the contract's error form
//! with the contract's two health fields beside it.

use super::examine;
use crate::error::Result;
use crate::extract::Query;
use crate::timestamp;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Connected, Health, Healthy, Unhealthy};
use podlane_service::{Call, Service};

/// Check that the server reaches Podman.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    tag = "system",
    responses(
        (status = 200, description = "It does.", body = Health),
        (status = 503, description = "It does not.", body = Unhealthy)
    )
)]
pub(crate) async fn health(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<Health>> {
    let (engine, checks) = examine(&service, &call, true).await?;
    Ok(Json(Health {
        status: Healthy::Healthy,
        podman: Connected::Connected,
        podman_version: engine.version,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks,
        timestamp: timestamp::now(),
    }))
}
