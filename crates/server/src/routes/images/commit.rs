//! `POST /api/v1/containers/{name}/commit`

use super::{answer, name};
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CommitContainer, OneImage, True};
use podlane_engine::NewCommit;
use podlane_service::{Call, Service};

/// The longest text about an image.
const LONGEST: usize = 4096;

/// Make an image of a container's file system, without what is mounted.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/commit",
    tag = "images",
    request_body = CommitContainer,
    responses((status = 200, description = "The image.", body = OneImage))
)]
pub(crate) async fn commit_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(container): Name,
    Query(()): Query<()>,
    Json(body): Json<CommitContainer>,
) -> Result<axum::Json<OneImage>> {
    let new = NewCommit {
        image: name("image", &body.image)?,
        author: text("author", body.author)?,
        comment: text("comment", body.comment)?,
        pause: body.pause,
        changes: body.changes.unwrap_or_default(),
    };
    let size: usize = new.changes.iter().map(String::len).sum();
    if size > LONGEST {
        let message = format!("`changes` must have at most {LONGEST} bytes");
        return Err(Refusal::field("changes", message).into());
    }
    let image = service.commit_container(&call, container, new).await?;
    Ok(axum::Json(OneImage {
        success: True,
        image: answer(image),
    }))
}

fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Refusal> {
    let fits = |text: &String| text.len() <= LONGEST && !text.contains('\0');
    if text.as_ref().is_none_or(fits) {
        return Ok(text.filter(|text| !text.is_empty()));
    }
    let message = format!("`{field}` must have at most {LONGEST} bytes and no NUL");
    Err(Refusal::field(field, message))
}
