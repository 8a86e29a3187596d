//! `POST /api/v1/tokens/{id}/rotate`

use super::created;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::CreatedToken;
use podlane_service::{Call, Service};

/// Give a token another secret.
///
/// The old one is good no more, from now on. All else stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/tokens/{id}/rotate",
    tag = "tokens",
    params(("id" = String, Path, description = "The token's public part: 12 hexadecimal digits.")),
    responses((status = 200, description = "The token with its new secret.", body = CreatedToken))
)]
pub(crate) async fn rotate_token(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<CreatedToken>> {
    let renewed = service.renew_token(&call, &id).await?;
    Ok(Json(created(renewed)))
}
