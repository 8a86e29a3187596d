//! `GET /api/v1/tokens`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{TokenList, True};
use podlane_service::{Call, Service};

/// List the tokens.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "tokens",
    responses((status = 200, description = "The tokens, without their secrets.", body = TokenList))
)]
pub(crate) async fn list_tokens(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<TokenList>> {
    let tokens = service.tokens(&call).await?;
    Ok(Json(TokenList {
        success: True,
        tokens: tokens.into_iter().map(answer).collect(),
    }))
}
