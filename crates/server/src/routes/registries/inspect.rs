//! `GET /api/v1/registries/{registry}`

use super::answer;
use crate::error::Result;
use crate::extract::{Query, Registry};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneRegistry, True};
use podlane_service::{Call, Service};

/// Look at one registry.
#[utoipa::path(
    get,
    path = "/api/v1/registries/{registry}",
    tag = "registries",
    params(("registry" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The registry, without its password.", body = OneRegistry))
)]
pub(crate) async fn inspect_registry(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Registry(name): Registry,
    Query(()): Query<()>,
) -> Result<Json<OneRegistry>> {
    let registry = service.registry(&call, &name).await?;
    Ok(Json(OneRegistry {
        success: True,
        registry: answer(registry),
    }))
}
