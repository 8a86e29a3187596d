//! `POST /api/v1/webhooks/{id}/redeliver` and `POST /api/v1/webhooks/{id}/deliveries/{delivery}/redeliver`

use super::Ids;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Redelivered, True};
use podlane_service::{Call, Service};

/// Send all dead letters of a webhook again.
///
/// As many as fit among those that wait, the oldest first.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/redeliver",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID: 12 hexadecimal digits.")),
    responses((status = 200, description = "They wait now.", body = Redelivered))
)]
pub(crate) async fn redeliver_all(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<Redelivered>> {
    let redelivered = service.redeliver(&call, &id, None).await?;
    Ok(Json(Redelivered {
        success: True,
        redelivered,
    }))
}

/// Send a message again, as if it were new: a dead letter, or one that was delivered.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's ID: 12 hexadecimal digits."),
        ("delivery" = String, Path, description = "The message's ID."),
    ),
    responses((status = 200, description = "It waits now.", body = Redelivered))
)]
pub(crate) async fn redeliver_one(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Ids(id, delivery): Ids,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<Redelivered>> {
    let redelivered = service.redeliver(&call, &id, Some(&delivery)).await?;
    Ok(Json(Redelivered {
        success: True,
        redelivered,
    }))
}
