//! `POST /api/v1/tag`

use super::{answer, name, reference};
use crate::error::Result;
use crate::extract::{Json, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{OneImage, TagImage, True};
use podlane_service::{Call, Service};

/// Give an image a name more.
#[utoipa::path(
    post,
    path = "/api/v1/tag",
    tag = "images",
    request_body = TagImage,
    responses((status = 200, description = "The image with all its names.", body = OneImage))
)]
pub(crate) async fn tag_image(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<TagImage>,
) -> Result<axum::Json<OneImage>> {
    let (image, name) = (reference("image", &body.image)?, name("name", &body.name)?);
    let image = service.tag_image(&call, image, name).await?;
    Ok(axum::Json(OneImage {
        success: True,
        image: answer(image),
    }))
}
