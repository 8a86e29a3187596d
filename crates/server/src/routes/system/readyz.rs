//! `GET /readyz`
//!
//! Anybody may ask: no more is told than why.

use super::examine;
use crate::error::Result;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Ready, ReadyWord, Unhealthy};
use podlane_service::{Call, Service};

/// Check that the server can take work.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    responses(
        (status = 200, description = "It can.", body = Ready),
        (status = 503, description = "It does not reach Podman.", body = Unhealthy)
    )
)]
pub(crate) async fn readyz(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
) -> Result<Json<Ready>> {
    examine(&service, &call, false).await?;
    Ok(Json(Ready {
        status: ReadyWord::Ready,
    }))
}
