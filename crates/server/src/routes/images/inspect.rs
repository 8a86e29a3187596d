//! `GET /api/v1/images/{image}`

use super::answer;
use crate::error::Result;
use crate::extract::{Image, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{OneImage, True};
use podlane_service::{Call, Service};

/// Look at one image.
#[utoipa::path(
    get,
    path = "/api/v1/images/{*image}",
    tag = "images",
    params(("image" = String, Path, description = "Its name, its ID or the beginning of its ID; slashes need not be encoded.")),
    responses((status = 200, description = "The image.", body = OneImage))
)]
pub(crate) async fn inspect_image(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Image(image): Image,
    Query(()): Query<()>,
) -> Result<Json<OneImage>> {
    let image = service.image(&call, &image).await?;
    Ok(Json(OneImage {
        success: True,
        image: answer(image),
    }))
}
