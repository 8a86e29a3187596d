//! `DELETE /api/v1/containers/{name}/files/{path}`

use super::conditions::Conditions;
use super::query;
use crate::error::Result;
use crate::extract::{FilePath, Name, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use podlane_api::{RemovedFile, True};
use podlane_engine::UserSpec;
use podlane_service::{Call, Service};

/// `?recursive=true&user=1000`
pub(crate) struct Wanted {
    recursive: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["recursive", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            recursive: parameters.flag("recursive")?.unwrap_or_default(),
            user: query::user(parameters)?,
        })
    }
}

/// Remove a file, link or directory of a container.
#[utoipa::path(
    delete,
    path = "/api/v1/containers/{name}/files/{*path}",
    tag = "files",
    params(
        ("path" = String, Path, description = "Its path, without the slash at its beginning. A symbolic link is removed itself."),
        ("recursive" = Option<bool>, Query, description = "Whether a directory that is not empty is removed; false if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
        ("If-Match" = Option<String>, Header, description = "ETags; 412 unless it has one of them."),
    ),
    responses(
        (status = 200, description = "It is gone.", body = RemovedFile),
        (status = 412, description = "There is another version.", body = podlane_api::Failure),
    )
)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument for each part of the request"
)]
pub(crate) async fn remove_file(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    FilePath(path): FilePath,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    NoBody: NoBody,
) -> Result<Json<RemovedFile>> {
    let expected = Conditions::of(&headers)?.expectation()?;
    let at = query::at(name, path, wanted.user);
    let entries = service.remove_file(&call, &at, wanted.recursive, expected);
    Ok(Json(RemovedFile {
        success: True,
        entries: entries.await?,
    }))
}
