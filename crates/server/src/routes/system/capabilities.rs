//! `GET /api/v1/capabilities`

use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Capability, CapabilityList, True};
use podlane_service::{Call, Service};

/// Tell what can and what can't be done with this Podman on this host.
///
/// What is not supported is answered 501 with the same reason.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities",
    tag = "system",
    responses((status = 200, description = "What is not a matter of course.", body = CapabilityList))
)]
pub(crate) async fn capabilities(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<CapabilityList>> {
    let told = service.capabilities(&call).await?.into_iter();
    let capabilities = told.map(|capability| Capability {
        name: capability.name.to_owned(),
        description: capability.what.to_owned(),
        supported: capability.supported,
        reason: capability.reason,
        since: capability.since.map(str::to_owned),
    });
    Ok(Json(CapabilityList {
        success: True,
        capabilities: capabilities.collect(),
    }))
}
