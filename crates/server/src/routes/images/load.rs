//! `POST /api/v1/load`

use crate::App;
use crate::error::Result;
use crate::extract::{Query, Upload, media};
use axum::extract::{Request, State};
use axum::{Extension, Json};
use podlane_api::{LoadedImages, True};
use podlane_service::Call;

/// Take images out of an archive, as `podman save` and `docker save` make it.
#[utoipa::path(
    post,
    path = "/api/v1/load",
    tag = "images",
    request_body(content = String, content_type = "application/x-tar", description = "The archive."),
    responses((status = 200, description = "They are there.", body = LoadedImages))
)]
pub(crate) async fn load_images(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    request: Request,
) -> Result<Json<LoadedImages>> {
    media::require_tar(request.headers())?;
    let archive = Upload::new(request, &app.settings).pieces();
    let names = app.service.load_images(&call, archive).await?;
    Ok(Json(LoadedImages {
        success: True,
        names,
    }))
}
