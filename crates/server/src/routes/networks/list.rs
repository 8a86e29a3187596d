//! `GET /api/v1/networks`

use super::answer;
use crate::error::Result;
use crate::extract::Query;
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{NetworkList, True};
use podlane_service::{Call, Service};

/// List the networks.
#[utoipa::path(
    get,
    path = "/api/v1/networks",
    tag = "networks",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The networks.", body = NetworkList))
)]
pub(crate) async fn list_networks(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
) -> Result<Json<NetworkList>> {
    let networks = service.networks(&call, &labelled.labels()?).await?;
    Ok(Json(NetworkList {
        success: True,
        networks: networks.into_iter().map(answer).collect(),
    }))
}
