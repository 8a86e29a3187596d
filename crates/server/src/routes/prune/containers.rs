//! `POST /api/v1/prune/containers`

use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Pruned, True};
use podlane_service::{Call, Service};

/// Remove every container whose main process has ended.
#[utoipa::path(
    post,
    path = "/api/v1/prune/containers",
    tag = "containers",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The names of those that are gone.", body = Pruned))
)]
pub(crate) async fn prune_containers(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
    NoBody: NoBody,
) -> Result<Json<Pruned>> {
    let removed = service.prune_containers(&call, labelled.labels()?).await?;
    Ok(Json(Pruned {
        success: True,
        removed,
    }))
}
