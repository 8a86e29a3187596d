//! `POST /api/v1/containers/{name}/files`
//!
//! Works in a stopped container too, and is atomic: nobody sees half a file. As `multipart/form-data` it
//! has many files, each named by its field or its file name.

use super::{convert, many};
use crate::App;
use crate::error::Result;
use crate::extract::{Json, Name, Query, media};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use podlane_api::{AddFile, Added, AddedFile, File, True};
use podlane_engine::inside::{Expectation, Reason};
use podlane_engine::{ContainerRef, Error as EngineError, InnerPath};
use podlane_service::{At, Call, Error as Operation, NewFile};

/// What a temporary name beside a file needs.
const TEMPORARY: usize = 26;

/// Write a file in a container, or many.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/files",
    tag = "files",
    request_body(content((AddFile = "application/json"), (String = "multipart/form-data")), description = "One file as JSON; or many, each a part named by its path, or by its file name if that is a path."),
    responses((status = 200, description = "The file; or for each of many what became of it.", body = Added))
)]
pub(crate) async fn add_file(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    request: Request,
) -> Result<axum::Json<Added>> {
    if media::is(request.headers(), "multipart/form-data") {
        let files = many::add(&app, &call, name, request).await?;
        return Ok(axum::Json(Added::Many(files)));
    }
    let Json(body) = Json::<AddFile>::from_request(request, &app).await?;
    let file = one(&app, &call, name, body).await?;
    Ok(axum::Json(Added::One(file)))
}

async fn one(app: &App, call: &Call, container: ContainerRef, body: AddFile) -> Result<AddedFile> {
    let new = NewFile {
        size: None,
        mode: body.mode.as_deref().map(convert::mode).transpose()?,
        owner: body.owner.as_deref().map(convert::owner).transpose()?,
        parents: true,
        expected: Expectation::Any,
    };
    let at = At {
        container,
        path: destination(&body.dest_path)?,
        user: None,
    };
    let content = convert::content(body.content.0, body.encoding)?;
    let limit = app.service.limits().file_bytes;
    if content.len() > limit {
        let message = format!("a file may have {limit} bytes");
        return Err(Operation::TooLarge { message }.into());
    }
    let size = content.len() as u64;
    let new = NewFile {
        size: Some(size),
        ..new
    };
    let written = async {
        let mut writer = app.service.write_file(call, &at, new).await?;
        writer.write(content.into()).await?;
        writer.finish().await
    };
    let info = written.await.map_err(in_field)?;
    Ok(AddedFile {
        success: True,
        file: File {
            dest_path: body.dest_path,
            size,
            path: String::from_utf8_lossy(&info.path).into_owned(),
        },
    })
}

/// A path at which a file may be written.
pub(super) fn destination(text: &str) -> Result<InnerPath, Refusal> {
    let path = InnerPath::parse(text).map_err(Refusal::in_field("dest_path"))?;
    if matches!(text.rsplit('/').next(), None | Some("" | ".")) {
        let message = format!("\"{text}\" names a directory; give the path of a file");
        return Err(Refusal::field("dest_path", message));
    }
    let kernel = ["/proc", "/sys", "/dev"];
    if let Some(kernel) = kernel.iter().find(|kernel| path.is_within(kernel)) {
        let message = format!("files in {kernel} belong to the kernel and can't be written here");
        return Err(Refusal::field("dest_path", message));
    }
    let directory = path
        .split()
        .map_or(0, |(directory, _)| directory.as_str().len());
    if directory + TEMPORARY > InnerPath::MAX {
        let message = "the path is too long for a file to be written there";
        return Err(Refusal::field("dest_path", message));
    }
    Ok(path)
}

/// What can't be right about a path, named by its field.
pub(super) fn in_field(error: Operation) -> Operation {
    let Operation::File(failure) = &error else {
        return error;
    };
    let conflict = match failure.reason {
        Reason::Kernel | Reason::TooLong | Reason::NotDirectory | Reason::Invalid(_) => false,
        Reason::Busy | Reason::Circle => true,
        _ => return error,
    };
    Operation::Engine(EngineError::Invalid {
        field: "dest_path",
        message: error.to_string(),
        conflict,
    })
}
