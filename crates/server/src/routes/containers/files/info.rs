//! `GET /api/v1/containers/{name}/file-info`

use super::{convert, query};
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use podlane_api::{ShownFile, True};
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{Call, Service};

/// `?path=/etc/passwd&follow=true&user=1000`
pub(crate) struct Wanted {
    path: InnerPath,
    follow: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["path", "follow", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            path: query::path(parameters)?,
            follow: parameters.flag("follow")?.unwrap_or_default(),
            user: query::user(parameters)?,
        })
    }
}

/// Look at a file, directory or link in a container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/file-info",
    tag = "files",
    params(
        ("path" = String, Query, description = "The absolute path."),
        ("follow" = Option<bool>, Query, description = "Whether a final symbolic link is followed; false if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
    ),
    responses((status = 200, description = "What is there.", body = ShownFile, headers(("ETag" = String, description = "The version of its content."))))
)]
pub(crate) async fn file_info(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let at = query::at(name, wanted.path, wanted.user);
    let info = service.stat_file(&call, &at, wanted.follow).await?;
    Ok(shown(&info).into_response())
}

/// What is there, with its `ETag`.
pub(super) fn shown(info: &podlane_service::FileInfo) -> impl IntoResponse + use<> {
    let etag = super::conditions::etag(info.version());
    let body = ShownFile {
        success: True,
        file: convert::info(info),
    };
    ([(ETAG, etag)], Json(body))
}
