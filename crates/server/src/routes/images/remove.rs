//! `DELETE /api/v1/images/{image}`

use crate::error::Result;
use crate::extract::{Image, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedImage, True};
use podlane_service::{Call, Service};

/// `?force=true`
pub(crate) struct Force(bool);

impl QueryShape for Force {
    const NAMES: &'static [&'static str] = &["force"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("force")?.unwrap_or_default()))
    }
}

/// Take a name of an image away, and the image with its last one.
#[utoipa::path(
    delete,
    path = "/api/v1/images/{*image}",
    tag = "images",
    params(
        ("image" = String, Path, description = "Its name, its ID or the beginning of its ID; slashes need not be encoded."),
        ("force" = Option<bool>, Query, description = "Whether an ID goes with all its names, and the containers made of it, running ones too, with their image. Not if left out."),
    ),
    responses((status = 200, description = "What is gone.", body = RemovedImage))
)]
pub(crate) async fn remove_image(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Image(image): Image,
    Query(Force(force)): Query<Force>,
    NoBody: NoBody,
) -> Result<Json<RemovedImage>> {
    let removed = service.remove_image(&call, image, force).await?;
    Ok(Json(RemovedImage {
        success: True,
        untagged: removed.untagged,
        deleted: removed.deleted,
    }))
}
