//! `POST /api/v1/containers`
//!
//! Creates and starts: both, or nothing is left behind.

mod command;
pub(super) mod limits;
mod networks;
mod ports;
mod privileges;
mod settings;
mod spec;
mod volumes;

use super::answers;
use crate::edge::Subject;
use crate::error::Result;
use crate::extract::{Json, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateContainer, Created, CreatedContainer, True};
use podlane_service::{Call, Service};

/// Create and start a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers",
    tag = "containers",
    request_body = CreateContainer,
    responses((status = 200, description = "The container runs.", body = CreatedContainer))
)]
pub(crate) async fn create_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Extension(subject): Extension<Subject>,
    Query(()): Query<()>,
    Json(body): Json<CreateContainer>,
) -> Result<axum::Json<CreatedContainer>> {
    let new = spec::new_container(body, call.limit)?;
    subject.set(new.name.as_str());
    let container = service.create_container(&call, new).await?;
    Ok(axum::Json(CreatedContainer {
        success: True,
        container: Created {
            id: container.id.short().to_owned(),
            name: container.name,
            status: container.status.to_string(),
            image: container.image,
            ports: answers::ports(&container.ports),
        },
    }))
}
