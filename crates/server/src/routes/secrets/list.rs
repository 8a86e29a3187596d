//! `GET /api/v1/secrets`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{SecretList, True};
use podlane_service::{Call, Service};

/// List the secrets.
#[utoipa::path(
    get,
    path = "/api/v1/secrets",
    tag = "secrets",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The secrets.", body = SecretList))
)]
pub(crate) async fn list_secrets(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
) -> Result<Json<SecretList>> {
    let secrets = service.secrets(&call, &labelled.labels()?).await?;
    Ok(Json(SecretList {
        success: True,
        secrets: secrets.into_iter().map(answer).collect(),
    }))
}
