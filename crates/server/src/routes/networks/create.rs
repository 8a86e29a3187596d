//! `POST /api/v1/networks`

use super::answer;
use crate::error::Result;
use crate::extract::{Json, Query, shown};
use crate::refusal::Refusal;
use crate::routes::values;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateNetwork, CreateSubnet, OneNetwork, True};
use podlane_engine::{NetworkName, NewNetwork, Subnet};
use podlane_service::{Call, Service};

/// Make a network.
#[utoipa::path(
    post,
    path = "/api/v1/networks",
    tag = "networks",
    request_body = CreateNetwork,
    responses((status = 200, description = "The network.", body = OneNetwork))
)]
pub(crate) async fn create_network(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateNetwork>,
) -> Result<axum::Json<OneNetwork>> {
    let subnets = body.subnets.unwrap_or_default();
    let new = NewNetwork {
        name: NetworkName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        internal: body.internal.unwrap_or(false),
        isolated: body.isolated.unwrap_or(false),
        ipv6: body.ipv6.unwrap_or(false),
        dns: body.dns.unwrap_or(true),
        subnets: subnets.iter().map(subnet).collect::<Result<_, _>>()?,
        labels: values::labels(body.labels)?,
    };
    let network = service.create_network(&call, new).await?;
    Ok(axum::Json(OneNetwork {
        success: True,
        network: answer(network),
    }))
}

fn subnet(wire: &CreateSubnet) -> Result<Subnet, Refusal> {
    let wrong = || {
        let message = format!(
            "`subnets` must have networks in CIDR notation with addresses as gateways, such as {{\"subnet\": \"10.90.1.0/24\", \"gateway\": \"10.90.1.1\"}}, and \"{}\" is none",
            shown(&wire.subnet)
        );
        Refusal::field("subnets", message)
    };
    let (address, prefix) = wire.subnet.split_once('/').ok_or_else(wrong)?;
    let gateway = wire.gateway.as_deref().map(str::parse).transpose();
    Ok(Subnet {
        address: address.parse().map_err(|_| wrong())?,
        prefix: prefix.parse().map_err(|_| wrong())?,
        gateway: gateway.map_err(|_| wrong())?,
    })
}
