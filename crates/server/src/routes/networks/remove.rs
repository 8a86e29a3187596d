//! `DELETE /api/v1/networks/{network}`

use crate::error::Result;
use crate::extract::{Network, NoBody, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedByName, True};
use podlane_service::{Call, Service};

/// Remove a network.
///
/// One that a container is in, running or not, stays: 409.
#[utoipa::path(
    delete,
    path = "/api/v1/networks/{network}",
    tag = "networks",
    params(("network" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It is gone.", body = RemovedByName))
)]
pub(crate) async fn remove_network(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Network(name): Network,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<RemovedByName>> {
    let removed = name.to_string();
    service.remove_network(&call, name).await?;
    Ok(Json(RemovedByName {
        success: True,
        name: removed,
        removed: True,
    }))
}
