//! `GET /api/v1/save`

use super::reference;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::transfer;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use podlane_engine::ImageRef;
use podlane_service::{Call, Service};

/// How many images one archive may have.
const MOST: usize = 100;

/// `?image=alpine:latest&image=debian:12`
pub(crate) struct Wanted(Vec<ImageRef>);

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["image"];
    const REPEATED: &'static [&'static str] = &["image"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let images = parameters.all("image");
        if images.is_empty() || images.len() > MOST {
            let message = format!("query parameter `image` must stand there 1 to {MOST} times");
            return Err(Refusal::field("image", message));
        }
        let images = images.iter().map(|text| reference("image", text));
        Ok(Self(images.collect::<Result<_, _>>()?))
    }
}

/// Download images as one archive, which `load`, Podman and Docker take.
#[utoipa::path(
    get,
    path = "/api/v1/save",
    tag = "images",
    params(("image" = Vec<String>, Query, description = "An image. May be repeated.")),
    responses((status = 200, description = "The archive. One that breaks off has no end.", content_type = "application/x-tar", body = String))
)]
pub(crate) async fn save_images(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(Wanted(images)): Query<Wanted>,
) -> Result<Response> {
    let archive = service.save_images(&call, &images).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-tar"),
        (CONTENT_DISPOSITION, "attachment; filename=images.tar"),
    ];
    Ok((headers, transfer::outgoing(archive, &call)).into_response())
}
