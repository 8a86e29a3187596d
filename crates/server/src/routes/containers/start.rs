//! `POST /api/v1/containers/{name}/start`
//!
//! Starting a running container is no error; `changed` is false then.

use crate::error::Result;
use crate::extract::{Name, NoBody, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Started, StartedContainer, StartedWord, True};
use podlane_engine::Change;
use podlane_service::{Call, Service};

/// Start a stopped container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/start",
    tag = "containers",
    responses((status = 200, description = "It runs.", body = StartedContainer))
)]
pub(crate) async fn start_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    NoBody: NoBody,
) -> Result<Json<StartedContainer>> {
    let acted = service.start_container(&call, &name).await?;
    Ok(Json(StartedContainer {
        success: True,
        container: Started {
            id: acted.id.short().to_owned(),
            name: acted.name,
            status: StartedWord::Started,
            changed: acted.change == Change::Done,
        },
    }))
}
