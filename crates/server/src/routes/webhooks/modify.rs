//! `PATCH /api/v1/webhooks/{id}`

use super::{answer, events, labels, prefix, secret};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::routes::recordings::Id;
use axum::Extension;
use axum::extract::State;
use podlane_api::{ModifyWebhook, OneWebhook, True};
use podlane_service::{Call, Service, WebhookChanges};

/// Change a webhook, disable it or enable it.
///
/// While it is disabled, nothing is kept for it; what waited goes on when it is enabled. With other events, prefix or
/// labels it hears of what happens from now on.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "Its ID: 12 hexadecimal digits.")),
    request_body = ModifyWebhook,
    responses((status = 200, description = "The webhook as it is now.", body = OneWebhook))
)]
pub(crate) async fn modify_webhook(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    Json(body): Json<ModifyWebhook>,
) -> Result<axum::Json<OneWebhook>> {
    let changes = WebhookChanges {
        url: body.url.map(|url| url.0),
        events: body.events.as_deref().map(events).transpose()?,
        name_prefix: body.name_prefix.as_deref().map(prefix).transpose()?,
        labels: body.labels.as_deref().map(labels).transpose()?,
        secret: body.secret.as_ref().map(secret).transpose()?,
        enabled: body.enabled,
    };
    let webhook = service.modify_webhook(&call, &id, changes).await?;
    Ok(axum::Json(OneWebhook {
        success: True,
        webhook: answer(webhook),
    }))
}
