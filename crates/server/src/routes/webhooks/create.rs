//! `POST /api/v1/webhooks`

use super::{answer, events, labels, prefix, secret};
use crate::error::Result;
use crate::extract::{Json, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateWebhook, CreatedWebhook, Hidden, True};
use podlane_service::{Call, NewWebhook, Service};

/// Make a webhook.
///
/// It is told what happens to containers from now on, those of the caller's tenant if it has one. The answer shows its
/// secret, this once.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    request_body = CreateWebhook,
    responses((status = 200, description = "The webhook.", body = CreatedWebhook))
)]
pub(crate) async fn create_webhook(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateWebhook>,
) -> Result<axum::Json<CreatedWebhook>> {
    let new = NewWebhook {
        url: body.url.0,
        events: events(&body.events)?,
        name_prefix: prefix(body.name_prefix.as_deref().unwrap_or_default())?,
        labels: labels(&body.labels.unwrap_or_default())?,
        secret: body.secret.as_ref().map(secret).transpose()?,
        enabled: body.enabled.unwrap_or(true),
    };
    let (webhook, secret) = service.create_webhook(&call, new).await?;
    Ok(axum::Json(CreatedWebhook {
        success: True,
        webhook: answer(webhook),
        secret: Hidden(secret.reveal()),
    }))
}
