//! `GET /api/v1/secrets/{secret}`

use super::answer;
use crate::error::Result;
use crate::extract::{Query, Secret};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneSecret, True};
use podlane_service::{Call, Service};

/// Look at one secret.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/{secret}",
    tag = "secrets",
    params(("secret" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The secret.", body = OneSecret))
)]
pub(crate) async fn inspect_secret(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Secret(name): Secret,
    Query(()): Query<()>,
) -> Result<Json<OneSecret>> {
    let secret = service.secret(&call, &name).await?;
    Ok(Json(OneSecret {
        success: True,
        secret: answer(secret),
    }))
}
