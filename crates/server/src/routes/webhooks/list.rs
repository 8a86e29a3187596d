//! `GET /api/v1/webhooks`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, WebhookList};
use podlane_service::{Call, Service};

/// List the webhooks.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    responses((status = 200, description = "The webhooks, without their secrets.", body = WebhookList))
)]
pub(crate) async fn list_webhooks(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<WebhookList>> {
    let webhooks = service.webhooks(&call).await?;
    Ok(Json(WebhookList {
        success: True,
        webhooks: webhooks.into_iter().map(answer).collect(),
    }))
}
