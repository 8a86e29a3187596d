//! `POST /api/v1/prune/images`

use crate::error::Result;
use crate::extract::{NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{PrunedImages, True};
use podlane_service::{Call, Service};

/// `?all=true&label=course=net-101`
pub(crate) struct Wanted {
    all: bool,
    labels: Vec<String>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["all", "label"];
    const REPEATED: &'static [&'static str] = &["label"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let labels = parameters.all("label").to_vec();
        if labels
            .iter()
            .any(|label| label.is_empty() || label.starts_with('='))
        {
            let message = "query parameter `label` must be a label's name, or name=value";
            return Err(Refusal::field("label", message));
        }
        let all = parameters.flag("all")?.unwrap_or_default();
        Ok(Self { all, labels })
    }
}

/// Remove images that no container is made of.
#[utoipa::path(
    post,
    path = "/api/v1/prune/images",
    tag = "images",
    params(
        ("all" = Option<bool>, Query, description = "Those with a name too. Not if left out."),
        ("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; one must be there."),
    ),
    responses((status = 200, description = "The IDs of those that are gone.", body = PrunedImages))
)]
pub(crate) async fn prune_images(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(wanted): Query<Wanted>,
    NoBody: NoBody,
) -> Result<Json<PrunedImages>> {
    let pruned = service
        .prune_images(&call, wanted.all, wanted.labels)
        .await?;
    Ok(Json(PrunedImages {
        success: True,
        removed: pruned.deleted,
        reclaimed_bytes: pruned.reclaimed,
    }))
}
