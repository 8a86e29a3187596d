//! `GET /api/v1/registries`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RegistryList, True};
use podlane_service::{Call, Service};

/// List the registries.
///
/// Whoever sees everything is told those of all tenants.
#[utoipa::path(
    get,
    path = "/api/v1/registries",
    tag = "registries",
    responses((status = 200, description = "The registries, without their passwords.", body = RegistryList))
)]
pub(crate) async fn list_registries(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<RegistryList>> {
    let registries = service.registries(&call).await?;
    Ok(Json(RegistryList {
        success: True,
        registries: registries.into_iter().map(answer).collect(),
    }))
}
