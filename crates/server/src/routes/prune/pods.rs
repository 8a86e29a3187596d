//! `POST /api/v1/prune/pods`

use crate::error::Result;
use crate::extract::{NoBody, Query};
use crate::routes::values::Labelled;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Pruned, True};
use podlane_service::{Call, Service};

/// Remove every pod whose containers have all ended, with these.
#[utoipa::path(
    post,
    path = "/api/v1/prune/pods",
    tag = "pods",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The names of those that are gone.", body = Pruned))
)]
pub(crate) async fn prune_pods(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
    NoBody: NoBody,
) -> Result<Json<Pruned>> {
    let removed = service.prune_pods(&call, labelled.labels()?).await?;
    Ok(Json(Pruned {
        success: True,
        removed,
    }))
}
