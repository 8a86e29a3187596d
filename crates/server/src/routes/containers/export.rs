//! `GET /api/v1/containers/{name}/export`

use crate::error::Result;
use crate::extract::{Name, Query};
use crate::stream::transfer;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use podlane_service::{Call, Service};

/// Download a container's whole file system as a tar archive, whether it runs or not.
///
/// What is mounted into it, volumes for instance, is left out.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/export",
    tag = "containers",
    responses((status = 200, description = "The archive. One that breaks off has no end.", content_type = "application/x-tar", body = String))
)]
pub(crate) async fn export_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Response> {
    let (container, export) = service.export(&call, &name).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (
            CONTENT_DISPOSITION,
            transfer::attachment(&container.name, ".tar"),
        ),
    ];
    Ok((headers, transfer::outgoing(export, &call)).into_response())
}
