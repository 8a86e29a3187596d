//! `PUT /api/v1/containers/{name}/archive`: a tar archive unpacked into a directory.

use super::query;
use crate::App;
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape, Upload, media};
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::{Extension, Json};
use podlane_api::{True, UnpackedArchive};
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{Call, Compression, NewTree};

/// `?path=/srv&mkdirs=true&owner=1000:1000&keep_owners=false&keep_special_bits=false&user=1000`
pub(crate) struct Wanted {
    path: InnerPath,
    owner: Option<(u32, u32)>,
    keep_owners: bool,
    special_bits: bool,
    mkdirs: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &[
        "path",
        "owner",
        "keep_owners",
        "keep_special_bits",
        "mkdirs",
        "user",
    ];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let flag = |name| parameters.flag(name).map(Option::unwrap_or_default);
        let wanted = Self {
            path: query::path(parameters)?,
            owner: query::owner(parameters)?,
            keep_owners: flag("keep_owners")?,
            special_bits: flag("keep_special_bits")?,
            mkdirs: flag("mkdirs")?,
            user: query::user(parameters)?,
        };
        if wanted.keep_owners && wanted.owner.is_some() {
            let message = "query parameters `owner` and `keep_owners` can't be used together";
            return Err(Refusal::field("keep_owners", message));
        }
        Ok(wanted)
    }
}

/// Unpack a tar archive in a container.
#[utoipa::path(
    put,
    path = "/api/v1/containers/{name}/archive",
    tag = "files",
    params(
        ("path" = String, Query, description = "The directory to unpack into."),
        ("owner" = Option<String>, Query, description = "The owner and group of everything by number; the user that the container runs as, or `user`, if left out."),
        ("keep_owners" = Option<bool>, Query, description = "Whether the numbers in the archive are kept instead; false if left out."),
        ("keep_special_bits" = Option<bool>, Query, description = "Whether set-user-ID, set-group-ID and sticky bits are kept; false if left out."),
        ("mkdirs" = Option<bool>, Query, description = "Whether the directory is made if it is missing; false if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
    ),
    request_body(content((String = "application/x-tar"), (String = "application/gzip"), (String = "application/zstd")), description = "A tar archive, plain or compressed as `Content-Type` or `Content-Encoding` says."),
    responses((status = 200, description = "All of it is there.", body = UnpackedArchive))
)]
pub(crate) async fn upload_archive(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Json<UnpackedArchive>> {
    let new = NewTree {
        compression: compression(request.headers())?,
        owner: wanted.owner,
        owners: wanted.keep_owners,
        special_bits: wanted.special_bits,
        parents: wanted.mkdirs,
    };
    let at = query::at(name, wanted.path, wanted.user);
    let archive = Upload::new(request, &app.settings).pieces();
    let packed = app.service.upload(&call, &at, new, archive).await?;
    Ok(Json(UnpackedArchive {
        success: True,
        entries: packed.entries,
        bytes: packed.bytes,
    }))
}

/// How an archive says that it is compressed.
fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let is = |media: &[&str]| media.iter().any(|media| media::is(headers, media));
    let kind = if is(&[
        "application/gzip",
        "application/x-gzip",
        "application/x-tar+gzip",
    ]) {
        Compression::Gzip
    } else if is(&["application/zstd", "application/x-tar+zstd"]) {
        Compression::Zstd
    } else if is(&["application/x-tar", "application/octet-stream"]) {
        Compression::None
    } else {
        return Err(Refusal::MediaType {
            header: "Content-Type",
            message: "the body must be a tar archive".into(),
            hint: "send the header Content-Type: application/x-tar, application/gzip or application/zstd",
        });
    };
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => return Ok(kind),
        (Some(coding), None) => coding.to_str().unwrap_or_default().trim(),
        (Some(_), Some(_)) => "",
    };
    match (coding.to_ascii_lowercase().as_str(), kind) {
        ("identity", kind) => Ok(kind),
        ("gzip" | "x-gzip", Compression::None) => Ok(Compression::Gzip),
        ("zstd", Compression::None) => Ok(Compression::Zstd),
        _ => Err(Refusal::MediaType {
            header: "Content-Encoding",
            message: "an archive may be compressed once, with gzip or zstd".into(),
            hint: "send the header Content-Encoding: gzip or zstd, or none",
        }),
    }
}
