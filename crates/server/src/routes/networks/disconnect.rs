//! `POST /api/v1/networks/{network}/disconnect`

use crate::error::Result;
use crate::extract::{Json, Network, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{Attached, Disconnect, True};
use podlane_engine::ContainerRef;
use podlane_service::{Call, Service};

/// Take a container out of a network, whether it runs or not.
#[utoipa::path(
    post,
    path = "/api/v1/networks/{network}/disconnect",
    tag = "networks",
    params(("network" = String, Path, description = "Its name.")),
    request_body = Disconnect,
    responses((status = 200, description = "It is not in it any more.", body = Attached))
)]
pub(crate) async fn disconnect(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Network(network): Network,
    Query(()): Query<()>,
    Json(body): Json<Disconnect>,
) -> Result<axum::Json<Attached>> {
    let container = ContainerRef::parse(&body.container);
    let container = container.map_err(Refusal::in_field("container"))?;
    let name = network.to_string();
    service.disconnect(&call, network, container).await?;
    Ok(axum::Json(Attached {
        success: True,
        network: name,
        container: body.container,
        connected: false,
    }))
}
