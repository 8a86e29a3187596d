//! `GET /api/v1/containers/{name}/files/{path}`: one file as it is, a part of it, or as JSON.
//!
//! A browser saves what it gets here and never shows it: containers hold what others wrote.

use super::conditions::{Conditions, etag, version};
use super::range::Range;
use super::{convert, download, query};
use crate::App;
use crate::error::{Error, Result};
use crate::extract::{FilePath, Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::transfer;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT, ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, LAST_MODIFIED,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream as futures;
use podlane_api::True;
use podlane_engine::UserSpec;
use podlane_engine::inside::{Failure, Kind, Reason};
use podlane_service::{At, Call, Error as Operation, FileInfo, FileReader, ReadFile};

/// `?form=json&user=1000`
pub(crate) struct Wanted {
    json: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["form", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            json: query::is_json(parameters)?,
            user: query::user(parameters)?,
        })
    }
}

/// Read a file of a container, or a directory as a tar archive.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/files/{*path}",
    tag = "files",
    params(
        ("path" = String, Path, description = "The file's path, without the slash at its beginning."),
        ("form" = Option<String>, Query, description = "`json` for a JSON body with the content, within the limit `file_bytes`; `raw` if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
        ("Range" = Option<String>, Header, description = "One range of bytes."),
        ("If-Range" = Option<String>, Header, description = "The ETag that the range is of; else all is answered."),
        ("If-Match" = Option<String>, Header, description = "ETags; 412 if it has none of them."),
        ("If-None-Match" = Option<String>, Header, description = "ETags; 304 if it has one of them."),
    ),
    responses(
        (status = 200, description = "The content. With `Accept: application/x-tar` a tar archive of the file or directory.", content(
            (String = "application/octet-stream"), (podlane_api::ReadFile = "application/json"), (String = "application/x-tar"),
        ), headers(("ETag" = String, description = "The version of its content."))),
        (status = 206, description = "The range.", content_type = "application/octet-stream", body = String),
        (status = 304, description = "It has not changed."),
        (status = 412, description = "It is another version.", body = podlane_api::Failure),
        (status = 416, description = "It has no such range.", body = podlane_api::Failure),
    )
)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument for each part of the request"
)]
pub(crate) async fn read_file(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    method: Method,
    Name(name): Name,
    FilePath(path): FilePath,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response> {
    let at = query::at(name, path, wanted.user);
    if accepts_tar(&headers) && !wanted.json {
        return download::archive(&app.service, &call, &at, vec![at.path.clone()]).await;
    }
    let conditions = Conditions::of(&headers)?;
    let asked = Range::of(&headers).filter(|_| !wanted.json);
    if method == Method::HEAD {
        let info = app.service.stat_file(&call, &at, true).await?;
        let checked = check(&conditions, &at, &info)?;
        return Ok(checked.unwrap_or_else(|| answer(&at, &info, None, Body::empty())));
    }
    let (reader, range) = open(&app, &call, &at, asked, headers.get(IF_RANGE)).await?;
    let info = reader.info().clone();
    if let Some(response) = check(&conditions, &at, &info)? {
        return Ok(response);
    }
    let range = range.transpose()?;
    if wanted.json {
        return json(&app, &at, reader).await;
    }
    let pieces = futures::try_unfold(reader, |mut reader| async {
        Ok(reader.next().await?.map(|piece| (piece, reader)))
    });
    Ok(answer(&at, &info, range, transfer::body(pieces, &call)))
}

/// Whether a tar archive is asked for by name.
fn accepts_tar(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| {
        let name = range.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/x-tar")
    })
}

/// Opens a file at what is to be read, and says what that is of it: first byte and length. What conditions
/// make of the file comes before there is no such part of it.
async fn open(
    app: &App,
    call: &Call,
    at: &At,
    asked: Option<Range>,
    if_range: Option<&HeaderValue>,
) -> Result<(FileReader, Option<Result<(u64, u64), Refusal>>)> {
    let service = &app.service;
    let whole = ReadFile::default();
    let Some(asked) = asked else {
        return Ok((service.read_file(call, at, whole).await?, None));
    };
    let part = match asked {
        Range::From(first, last) => (first, last.map(|last| (last - first).saturating_add(1))),
        Range::Last(_) => {
            let info = service.stat_file(call, at, true).await?;
            let (first, length) = asked.within(info.size).unwrap_or((info.size, 0));
            (first, Some(length))
        }
    };
    let part = ReadFile {
        offset: part.0,
        length: part.1,
    };
    let reader = service.read_file(call, at, part).await?;
    let info = reader.info();
    if let Some(wanted) = if_range
        && wanted.to_str().ok().and_then(version) != Some(info.version())
    {
        return Ok((service.read_file(call, at, whole).await?, None));
    }
    match asked.within(info.size) {
        Some(range) if range.0 == part.offset => Ok((reader, Some(Ok(range)))),
        // It grew or shrank since it was looked at.
        Some(_) => Ok((service.read_file(call, at, whole).await?, None)),
        None => {
            let refused = Refusal::Range { size: info.size };
            Ok((reader, Some(Err(refused))))
        }
    }
}

/// What the conditions make of what is there: another answer, or none.
fn check(conditions: &Conditions, at: &At, info: &FileInfo) -> Result<Option<Response>> {
    let failed = |reason| {
        let path = at.path.as_str().into();
        Error::from(Operation::File(Failure { reason, path }))
    };
    match info.kind {
        Kind::File => {}
        Kind::Directory => return Err(failed(Reason::IsDirectory)),
        _ => return Err(failed(Reason::Special)),
    }
    let version = info.version();
    if !conditions.holds(version) {
        return Err(failed(Reason::Changed));
    }
    let known = conditions.is_known(version);
    Ok(known.then(|| (StatusCode::NOT_MODIFIED, [(ETAG, etag(version))]).into_response()))
}

fn answer(at: &At, info: &FileInfo, range: Option<(u64, u64)>, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(CONTENT_TYPE, "application/octet-stream".into());
    set(
        CONTENT_DISPOSITION,
        transfer::attachment(transfer::name(&at.path), ""),
    );
    set(ACCEPT_RANGES, "bytes".into());
    set(ETAG, etag(info.version()));
    set(LAST_MODIFIED, convert::http_date(info.modified.0));
    let (first, length) = range.unwrap_or((0, info.size));
    set(CONTENT_LENGTH, length.to_string());
    if range.is_some() {
        let last = first + length - 1;
        set(CONTENT_RANGE, format!("bytes {first}-{last}/{}", info.size));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

async fn json(app: &App, at: &At, mut reader: FileReader) -> Result<Response> {
    let info = reader.info().clone();
    let limit = app.service.limits().file_bytes;
    let mut content = Vec::new();
    while let Some(piece) = reader.next().await? {
        if piece.len() > limit - content.len() {
            let message = format!("{} has more than {limit} bytes: read it raw", at.path);
            return Err(Operation::TooLarge { message }.into());
        }
        content.extend_from_slice(&piece);
    }
    let (encoding, content) = convert::written(content);
    let body = podlane_api::ReadFile {
        success: True,
        file: convert::info(&info),
        encoding,
        content,
    };
    Ok(([(ETAG, etag(info.version()))], Json(body)).into_response())
}
