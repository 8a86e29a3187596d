//! `DELETE /api/v1/tokens/{id}`
//!
//! It stays in the list, revoked. Revoking it again is no error.

use super::answer;
use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::recordings::Id;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RevokedToken, True};
use podlane_service::{Call, Service};

/// Revoke a token, at once and for good.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "The token's public part: 12 hexadecimal digits.")),
    responses((status = 200, description = "It is good no more.", body = RevokedToken))
)]
pub(crate) async fn revoke_token(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RevokedToken>> {
    let token = service.revoke_token(&call, &id).await?;
    Ok(Json(RevokedToken {
        success: True,
        token: answer(token),
    }))
}
