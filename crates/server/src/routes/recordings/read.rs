//! `GET /api/v1/recordings/{id}`

use super::Id;
use crate::error::Result;
use crate::extract::Query;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use podlane_service::{Call, Error, Service};
use tokio_util::io::ReaderStream;

/// Read a recording, as asciinema plays it.
#[utoipa::path(
    get,
    path = "/api/v1/recordings/{id}",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording's name.")),
    responses((status = 200, description = "The recording, asciicast v2.", body = String, content_type = "application/x-asciicast"))
)]
pub(crate) async fn read_recording(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
) -> Result<Response> {
    let file = service
        .recording(&call, &id)
        .await?
        .ok_or(Error::NoRecording)?;
    let body = Body::from_stream(ReaderStream::new(file));
    Ok(([(CONTENT_TYPE, "application/x-asciicast")], body).into_response())
}
