//! `PUT /api/v1/containers/{name}/files/{path}`: one file as it comes, of any size.
//!
//! It is written beside its place and takes it when it is whole: an upload that breaks off leaves nothing.

use super::conditions::Conditions;
use super::{convert, info, query};
use crate::App;
use crate::error::Result;
use crate::extract::{FilePath, Json, Name, Parameters, Query, QueryShape, Upload, media};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use podlane_api::{ShownFile, WriteFile};
use podlane_engine::UserSpec;
use podlane_service::{Call, NewFile};

/// `?mode=0644&owner=1000:1000&mkdirs=true&form=json&user=1000`
pub(crate) struct Wanted {
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
    mkdirs: bool,
    json: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["mode", "owner", "mkdirs", "form", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            mode: parameters.get("mode").map(convert::mode).transpose()?,
            owner: query::owner(parameters)?,
            mkdirs: parameters.flag("mkdirs")?.unwrap_or_default(),
            json: query::is_json(parameters)?,
            user: query::user(parameters)?,
        })
    }
}

/// Write a file in a container.
#[utoipa::path(
    put,
    path = "/api/v1/containers/{name}/files/{*path}",
    tag = "files",
    params(
        ("path" = String, Path, description = "The file's path, without the slash at its beginning."),
        ("mode" = Option<String>, Query, description = "Its permissions in octal; if left out those of the file that it replaces, else `0644`."),
        ("owner" = Option<String>, Query, description = "Its owner and group by number, as `1000:1000`; the user that the container runs as, or `user`, if left out."),
        ("mkdirs" = Option<bool>, Query, description = "Whether missing directories above it are made; false if left out."),
        ("form" = Option<String>, Query, description = "`json` for a JSON body, within the limit `file_bytes`; `raw` if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
        ("If-Match" = Option<String>, Header, description = "ETags; 412 unless it has one of them."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: 409 if there is something already."),
    ),
    request_body(content((String = "application/octet-stream"), (WriteFile = "application/json")), description = "What it shall hold, as it is; or JSON, with `form=json`."),
    responses(
        (status = 200, description = "The file.", body = ShownFile, headers(("ETag" = String, description = "The version of its content."))),
        (status = 201, description = "The file, where `If-None-Match: *` was asked for.", body = ShownFile, headers(("ETag" = String, description = "The version of its content."))),
        (status = 412, description = "There is another version.", body = podlane_api::Failure),
    )
)]
pub(crate) async fn write_file(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    FilePath(path): FilePath,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response> {
    let conditions = Conditions::of(request.headers())?;
    let status = if conditions.is_new() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut new = NewFile {
        size: length(&request),
        mode: wanted.mode,
        owner: wanted.owner,
        parents: wanted.mkdirs,
        expected: conditions.expectation()?,
    };
    let at = query::at(name, path, wanted.user);
    if wanted.json {
        let Json(body) = Json::<WriteFile>::from_request(request, &app).await?;
        let content = convert::content(body.content.0, body.encoding)?;
        new.size = Some(content.len() as u64);
        let mut writer = app.service.write_file(&call, &at, new).await?;
        writer.write(content.into()).await?;
        return Ok((status, info::shown(&writer.finish().await?)).into_response());
    }
    media::require_plain(request.headers())?;
    let mut content = Upload::new(request, &app.settings);
    let mut writer = app.service.write_file(&call, &at, new).await?;
    while let Some(piece) = content.next().await? {
        writer.write(piece).await?;
    }
    Ok((status, info::shown(&writer.finish().await?)).into_response())
}

/// How long the body says that it is.
fn length(request: &Request) -> Option<u64> {
    let length = request.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}
