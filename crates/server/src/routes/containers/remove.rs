//! `DELETE /api/v1/containers/{name}`
//!
//! A running container is removed with `force` only; without it the answer is 409.

use crate::error::Result;
use crate::extract::{Name, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Removed, RemovedContainer, True};
use podlane_service::{Call, Service};

/// `?force=true`
pub(crate) struct Force(pub(crate) bool);

impl QueryShape for Force {
    const NAMES: &'static [&'static str] = &["force"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("force")?.unwrap_or(false)))
    }
}

/// Remove a container.
#[utoipa::path(
    delete,
    path = "/api/v1/containers/{name}",
    tag = "containers",
    params(("force" = Option<bool>, Query, description = "Kill it first if it runs. `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.")),
    responses((status = 200, description = "It is gone.", body = RemovedContainer))
)]
pub(crate) async fn remove_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Force(force)): Query<Force>,
    NoBody: NoBody,
) -> Result<Json<RemovedContainer>> {
    let acted = service.remove_container(&call, &name, force).await?;
    Ok(Json(RemovedContainer {
        success: True,
        container: Removed {
            id: acted.id.short().to_owned(),
            name: acted.name,
            removed: True,
        },
    }))
}
