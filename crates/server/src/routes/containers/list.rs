//! `GET /api/v1/containers`

use super::answers;
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ContainerList, ContainerRow, True};
use podlane_engine::ContainerSummary;
use podlane_service::{Call, Service};

/// List all containers, running or not.
#[utoipa::path(
    get,
    path = "/api/v1/containers",
    tag = "containers",
    responses((status = 200, description = "Every container.", body = ContainerList))
)]
pub(crate) async fn list_containers(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<ContainerList>> {
    let containers = service.list_containers(&call).await?;
    Ok(Json(ContainerList {
        success: True,
        containers: containers.into_iter().map(row).collect(),
    }))
}

fn row(container: ContainerSummary) -> ContainerRow {
    ContainerRow {
        id: container.id.short().to_owned(),
        name: container.name,
        status: container.status.to_string(),
        image: container.image,
        created: container.created,
        ports: answers::ports(&container.ports),
        labels: container.labels,
    }
}
