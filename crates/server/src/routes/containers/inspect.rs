//! `GET /api/v1/containers/{name}`

use super::{answers, kept, lifetime};
use crate::error::Result;
use crate::extract::{Name, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Container, InspectedContainer, MountPoint, True};
use podlane_engine::PodId;
use podlane_service::{Call, Lifetime, Service};

/// Look at one container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}",
    tag = "containers",
    responses((status = 200, description = "The container.", body = InspectedContainer))
)]
pub(crate) async fn inspect_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Json<InspectedContainer>> {
    let (container, life) = service.inspect_container(&call, &name).await?;
    Ok(Json(InspectedContainer {
        success: True,
        container: whole(container, life),
    }))
}

fn whole(container: podlane_engine::Container, life: Option<Lifetime>) -> Container {
    let mount = |(source, destination, read_only)| MountPoint {
        source,
        destination,
        read_only,
    };
    let (expires_at, lifetime) = lifetime::told(life);
    Container {
        id: container.id.short().to_owned(),
        full_id: container.id.to_string(),
        ports: answers::ports(&container.ports),
        name: container.name,
        status: container.status.to_string(),
        image: container.image,
        image_id: container.image_id,
        command: container.command,
        environment: container.environment.into_iter().collect(),
        user: container.user,
        workdir: container.workdir,
        labels: container.labels,
        mounts: container.mounts.into_iter().map(mount).collect(),
        init: container.init,
        created: container.created,
        started: container.started,
        finished: container.finished,
        exit_code: container.exit_code,
        error: container.error,
        settings: kept::settings(container.settings),
        health: container.health.map(|health| health.as_str().to_owned()),
        pod: container.pod.as_ref().map(PodId::short).map(Into::into),
        infra: container.infra,
        expires_at,
        lifetime,
    }
}
