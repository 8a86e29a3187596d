//! `POST /api/v1/kube/down`

use crate::error::Result;
use crate::extract::{Document, Parameters, Query, QueryShape};
use crate::kube;
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{KubeDown, True};
use podlane_service::{Call, Service};

/// `?volumes=true`
pub(crate) struct Volumes(bool);

impl QueryShape for Volumes {
    const NAMES: &'static [&'static str] = &["volumes"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("volumes")?.unwrap_or(false)))
    }
}

/// Remove the pods of Kubernetes documents, running or not.
///
/// What is not there, or another's, is left out.
#[utoipa::path(
    post,
    path = "/api/v1/kube/down",
    tag = "pods",
    params(("volumes" = Option<bool>, Query, description = "True: the volumes of claims, too. Without it only those that end with their pod.")),
    request_body(content = String, content_type = "application/yaml", description = "The documents that were brought up."),
    responses((status = 200, description = "What is gone.", body = KubeDown))
)]
pub(crate) async fn kube_down(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(Volumes(all)): Query<Volumes>,
    Document(body): Document,
) -> Result<Json<KubeDown>> {
    let old = kube::read(&body, call.limit)?;
    let removed = service.kube_down(&call, old, all).await?;
    Ok(Json(KubeDown {
        success: True,
        pods: removed.pods,
        volumes: removed.volumes,
    }))
}
