//! `POST /api/v1/containers/{name}/files`
//!
//! Works in a stopped container too, and is atomic: nobody sees half a file.

use super::convert::new_file;
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{AddFile, AddedFile, File, True};
use podlane_engine::Call;
use podlane_service::Service;

/// Write a file in a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/files",
    tag = "containers",
    request_body = AddFile,
    responses((status = 200, description = "The file.", body = AddedFile))
)]
pub(crate) async fn add_file(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<AddFile>,
) -> Result<axum::Json<AddedFile>> {
    let dest_path = body.dest_path.clone();
    let file = service.write_file(&call, &name, new_file(body)?).await?;
    Ok(axum::Json(AddedFile {
        success: True,
        file: File {
            dest_path,
            size: file.size,
            path: file.path.to_string(),
        },
    }))
}
