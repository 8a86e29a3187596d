//! `POST /api/v1/networks/{network}/connect`

use crate::error::Result;
use crate::extract::{Json, Network, Query};
use crate::refusal::Refusal;
use crate::routes::values::is_host;
use axum::Extension;
use axum::extract::State;
use podlane_api::{Attached, Connect, True};
use podlane_engine::{ContainerRef, Membership};
use podlane_service::{Call, Service};

/// Put a container into a network, whether it runs or not.
#[utoipa::path(
    post,
    path = "/api/v1/networks/{network}/connect",
    tag = "networks",
    params(("network" = String, Path, description = "Its name.")),
    request_body = Connect,
    responses((status = 200, description = "It is in it.", body = Attached))
)]
pub(crate) async fn connect(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Network(network): Network,
    Query(()): Query<()>,
    Json(body): Json<Connect>,
) -> Result<axum::Json<Attached>> {
    let container = ContainerRef::parse(&body.container);
    let container = container.map_err(Refusal::in_field("container"))?;
    let ip = body.ip.as_deref().map(str::parse).transpose();
    let message = "`ip` must be an address, such as \"10.90.1.5\"";
    let ip = ip.map_err(|_| Refusal::field("ip", message))?;
    let aliases = body.aliases.unwrap_or_default();
    if !aliases.iter().all(|alias| is_host(alias)) {
        let message = "`aliases` must be host names";
        return Err(Refusal::field("aliases", message).into());
    }
    let (name, place) = (network.to_string(), Membership { ip, aliases });
    service.connect(&call, network, container, place).await?;
    Ok(axum::Json(Attached {
        success: True,
        network: name,
        container: body.container,
        connected: true,
    }))
}
