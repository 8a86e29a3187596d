//! `POST /api/v1/kube/up`

use crate::error::Result;
use crate::extract::{Document, Query};
use crate::kube;
use crate::routes::pods::row;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{KubeUp, True};
use podlane_service::{Call, Service};

/// Make and start what Kubernetes documents ask for: all of it, or nothing.
///
/// Understood are `Pod`, `Deployment` with one replica, `PersistentVolumeClaim` and `ConfigMap`, and of them what creates of
/// pods, containers and volumes can ask for.
#[utoipa::path(
    post,
    path = "/api/v1/kube/up",
    tag = "pods",
    request_body(content = String, content_type = "application/yaml", description = "YAML, or JSON: up to 1 MiB, without anchors."),
    responses((status = 200, description = "It is there.", body = KubeUp))
)]
pub(crate) async fn kube_up(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Document(body): Document,
) -> Result<Json<KubeUp>> {
    let made = service
        .kube_up(&call, kube::read(&body, call.limit)?)
        .await?;
    Ok(Json(KubeUp {
        success: True,
        pods: made.pods.into_iter().map(row).collect(),
        volumes: made.volumes,
    }))
}
