//! `GET /api/v1/version`

use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Cgroups, EngineDescription, RuntimeDescription, True, Version};
use podlane_service::{Call, Service};

/// Tell the versions of the server, of Podman and of what it runs on.
///
/// What Podman says of itself may be half a minute old.
#[utoipa::path(
    get,
    path = "/api/v1/version",
    tag = "system",
    responses((status = 200, description = "The versions.", body = Version))
)]
pub(crate) async fn version(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<Version>> {
    let engine = service.engine_info(&call).await?;
    Ok(Json(Version {
        success: True,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: "v1".to_owned(),
        engine: EngineDescription {
            name: engine.name,
            version: engine.version,
            api_version: engine.api_version,
            runtime: RuntimeDescription {
                name: engine.runtime.name,
                version: engine.runtime.version,
            },
            cgroups: Cgroups {
                version: engine.cgroup_version,
                manager: engine.cgroup_manager,
                controllers: engine.cgroup_controllers,
            },
            storage_driver: engine.storage_driver,
            network_backend: engine.network_backend,
            rootless: engine.rootless,
            os: engine.os,
            arch: engine.arch,
            kernel: engine.kernel,
        },
    }))
}
