//! `DELETE /api/v1/webhooks/{id}`

use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedWebhook, True};
use podlane_service::{Call, Service};

/// Remove a webhook, with all messages that wait for it or were given up.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "Its ID: 12 hexadecimal digits.")),
    responses((status = 200, description = "It is gone.", body = RemovedWebhook))
)]
pub(crate) async fn remove_webhook(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedWebhook>> {
    service.remove_webhook(&call, &id).await?;
    Ok(Json(RemovedWebhook {
        success: True,
        id,
        removed: True,
    }))
}
