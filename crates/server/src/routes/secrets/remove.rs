//! `DELETE /api/v1/secrets/{secret}`

use crate::error::Result;
use crate::extract::{NoBody, Query, Secret};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedByName, True};
use podlane_service::{Call, Service};

/// Remove a secret.
///
/// Containers that were made with it keep it.
#[utoipa::path(
    delete,
    path = "/api/v1/secrets/{secret}",
    tag = "secrets",
    params(("secret" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It is gone.", body = RemovedByName))
)]
pub(crate) async fn remove_secret(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Secret(name): Secret,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedByName>> {
    let removed = name.to_string();
    service.remove_secret(&call, name).await?;
    Ok(Json(RemovedByName {
        success: True,
        name: removed,
        removed: True,
    }))
}
