//! `GET /api/v1/containers/{name}/archive`: files and directories as one tar archive.

use super::query;
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::transfer;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream as futures;
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{At, Call, Service};

/// `?path=/srv&path=/etc/hosts&user=1000`
pub(crate) struct Wanted {
    paths: Vec<InnerPath>,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["path", "user"];
    const REPEATED: &'static [&'static str] = &["path"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        query::path(parameters)?;
        let paths = parameters.all("path").iter();
        let paths = paths.map(|text| InnerPath::parse(text).map_err(Refusal::in_field("path")));
        Ok(Self {
            paths: paths.collect::<Result<_, _>>()?,
            user: query::user(parameters)?,
        })
    }
}

/// Download files and directories of a container as a tar archive.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/archive",
    tag = "files",
    params(
        ("path" = Vec<String>, Query, description = "A file or directory; in the archive it has the last name of its path. Several may be named."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
    ),
    responses((status = 200, description = "The archive. One that breaks off has no end.", content_type = "application/x-tar", body = String))
)]
pub(crate) async fn download_archive(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let at = query::at(name, wanted.paths[0].clone(), wanted.user);
    archive(&service, &call, &at, wanted.paths).await
}

pub(super) async fn archive(
    service: &Service,
    call: &Call,
    at: &At,
    paths: Vec<InnerPath>,
) -> Result<Response> {
    let download = service.download(call, at, paths).await?;
    let pieces = futures::try_unfold(download, |mut download| async {
        Ok(download.next().await?.map(|piece| (piece, download)))
    });
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (
            CONTENT_DISPOSITION,
            transfer::attachment(transfer::name(&at.path), ".tar"),
        ),
    ];
    Ok((headers, transfer::body(pieces, call)).into_response())
}
