//! `GET /api/v1/webhooks/{id}`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneWebhook, True};
use podlane_service::{Call, Service};

/// Look at one webhook.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "Its ID: 12 hexadecimal digits.")),
    responses((status = 200, description = "The webhook, without its secret.", body = OneWebhook))
)]
pub(crate) async fn inspect_webhook(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
) -> Result<Json<OneWebhook>> {
    let webhook = service.webhook(&call, &id).await?;
    Ok(Json(OneWebhook {
        success: True,
        webhook: answer(webhook),
    }))
}
