//! `POST /api/v1/pods`

use super::answer;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use crate::routes::containers::create::{networks, ports};
use crate::routes::values;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreatePod, OnePod, True};
use podlane_engine::{NewPod, PodName};
use podlane_service::{Call, Service};

/// Make a pod.
///
/// It starts with the first container that joins it.
#[utoipa::path(
    post,
    path = "/api/v1/pods",
    tag = "pods",
    request_body = CreatePod,
    responses((status = 200, description = "The pod.", body = OnePod))
)]
pub(crate) async fn create_pod(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreatePod>,
) -> Result<axum::Json<OnePod>> {
    let pod = service.create_pod(&call, new_pod(body)?).await?;
    Ok(axum::Json(OnePod {
        success: True,
        pod: answer(pod),
    }))
}

pub(crate) fn new_pod(body: CreatePod) -> Result<NewPod, Refusal> {
    Ok(NewPod {
        name: PodName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        labels: values::labels(body.labels)?,
        ports: ports::mappings(&body.ports.unwrap_or_default())?,
        hostname: body.hostname.map(networks::hostname).transpose()?,
        networks: body.networks.map(networks::networks).transpose()?,
        dns: networks::dns(body.dns.unwrap_or_default())?,
        hosts: networks::extra_hosts(body.extra_hosts.unwrap_or_default())?,
    })
}
