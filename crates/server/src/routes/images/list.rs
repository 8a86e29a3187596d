//! `GET /api/v1/images`

use crate::error::Result;
use crate::extract::Query;
use crate::routes::values::Labelled;
use crate::timestamp;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ImageList, ImageRow, True};
use podlane_engine::ImageSummary;
use podlane_service::{Call, Service};
use std::time::{Duration, SystemTime};

/// List the images.
#[utoipa::path(
    get,
    path = "/api/v1/images",
    tag = "images",
    params(("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there.")),
    responses((status = 200, description = "The images.", body = ImageList))
)]
pub(crate) async fn list_images(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(labelled): Query<Labelled>,
) -> Result<Json<ImageList>> {
    let images = service.images(&call, &labelled.labels()?).await?;
    Ok(Json(ImageList {
        success: True,
        images: images.into_iter().map(row).collect(),
    }))
}

fn row(image: ImageSummary) -> ImageRow {
    let created = Duration::from_secs(u64::try_from(image.created).unwrap_or_default());
    ImageRow {
        id: image.id.chars().take(12).collect(),
        names: image.names,
        created: timestamp::format((SystemTime::UNIX_EPOCH + created).into()),
        size_bytes: image.size,
        containers: image.containers,
        labels: image.labels,
    }
}
