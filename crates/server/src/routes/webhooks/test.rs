//! `POST /api/v1/webhooks/{id}/test`
//!
//! The answer tells of the receiver its status and nothing else: whoever may make webhooks is not to read with them what
//! the server can reach.

use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{PingedWebhook, True};
use podlane_service::{Call, Service};

/// Send a webhook a message that is about nothing.
///
/// It is sent once, at once, also if the webhook is disabled, and is in no list. The answer says how it went.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(("id" = String, Path, description = "Its ID: 12 hexadecimal digits.")),
    responses((status = 200, description = "How it went.", body = PingedWebhook))
)]
pub(crate) async fn test_webhook(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<PingedWebhook>> {
    let pinged = service.ping_webhook(&call, &id).await?;
    Ok(Json(PingedWebhook {
        success: True,
        delivered: pinged.error.is_none(),
        id: pinged.id,
        status: pinged.status,
        error: pinged.error,
        duration_ms: pinged.took.as_secs_f64() * 1000.0,
    }))
}
