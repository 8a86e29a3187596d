//! `GET /api/v1/pods`

use super::row;
use crate::error::Result;
use crate::extract::Query;
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{PodList, True};
use podlane_service::{Call, Service};

/// List the pods.
#[utoipa::path(
    get,
    path = "/api/v1/pods",
    tag = "pods",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The pods.", body = PodList))
)]
pub(crate) async fn list_pods(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
) -> Result<Json<PodList>> {
    let pods = service.pods(&call, &labelled.labels()?).await?;
    Ok(Json(PodList {
        success: True,
        pods: pods.into_iter().map(row).collect(),
    }))
}
