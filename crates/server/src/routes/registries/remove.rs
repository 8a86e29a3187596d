//! `DELETE /api/v1/registries/{registry}`

use crate::error::Result;
use crate::extract::{NoBody, Query, Registry};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedByName, True};
use podlane_service::{Call, Service};

/// Forget a registry, and its password.
///
/// Images that were fetched with it stay.
#[utoipa::path(
    delete,
    path = "/api/v1/registries/{registry}",
    tag = "registries",
    params(("registry" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It is gone.", body = RemovedByName))
)]
pub(crate) async fn remove_registry(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Registry(name): Registry,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedByName>> {
    service.remove_registry(&call, &name).await?;
    Ok(Json(RemovedByName {
        success: True,
        name: name.to_string(),
        removed: True,
    }))
}
