//! `GET /api/v1/networks/{network}`

use super::answer;
use crate::error::Result;
use crate::extract::{Network, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneNetwork, True};
use podlane_service::{Call, Service};

/// Look at one network.
#[utoipa::path(
    get,
    path = "/api/v1/networks/{network}",
    tag = "networks",
    params(("network" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The network.", body = OneNetwork))
)]
pub(crate) async fn inspect_network(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Network(name): Network,
    Query(()): Query<()>,
) -> Result<Json<OneNetwork>> {
    let network = service.network(&call, &name).await?;
    Ok(Json(OneNetwork {
        success: True,
        network: answer(network),
    }))
}
