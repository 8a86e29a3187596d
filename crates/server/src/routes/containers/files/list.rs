//! `GET /api/v1/containers/{name}/file-list`

use super::{convert, query};
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use podlane_api::{ListedFiles, True};
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{Call, ListFiles, Service};

/// How many entries a part has if nobody says, and at most.
const USUAL: u64 = 1000;
const MOST: u64 = 10_000;

/// `?path=/etc&depth=1&pattern=*.conf&limit=1000&cursor=…&user=1000`
pub(crate) struct Wanted {
    path: InnerPath,
    user: Option<UserSpec>,
    list: ListFiles,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["path", "depth", "pattern", "limit", "cursor", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let after = match parameters.get("cursor") {
            None => None,
            Some(cursor) => Some(URL_SAFE_NO_PAD.decode(cursor).map_err(|_| {
                Refusal::field(
                    "cursor",
                    "query parameter `cursor` must be the `next` of another part",
                )
            })?),
        };
        Ok(Self {
            path: query::path(parameters)?,
            user: query::user(parameters)?,
            list: ListFiles {
                depth: number(parameters, "depth", 1, 1000)?,
                pattern: query::pattern(parameters, "pattern")?,
                after,
                limit: number(parameters, "limit", USUAL, MOST)?,
            },
        })
    }
}

/// A number from 1 to `most`.
pub(super) fn number(
    parameters: &Parameters,
    name: &'static str,
    usual: u64,
    most: u64,
) -> Result<u32, Refusal> {
    let number = match parameters.get(name) {
        None => usual,
        Some(_) => parameters.count(name, "a positive integer")?,
    };
    let fits = Some(number).filter(|number| (1..=most).contains(number));
    fits.and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| {
            Refusal::field(
                name,
                format!("query parameter `{name}` must be 1 to {most}"),
            )
        })
}

/// List a directory of a container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/file-list",
    tag = "files",
    params(
        ("path" = String, Query, description = "The directory's absolute path."),
        ("depth" = Option<u32>, Query, description = "How far below: 1, for what is in it, if left out."),
        ("pattern" = Option<String>, Query, description = "A shell pattern that the paths below it must fit: `*` and `?` match no slash, `**` any number of directories."),
        ("limit" = Option<u32>, Query, description = "How many entries, 1 to 10000; 1000 if left out."),
        ("cursor" = Option<String>, Query, description = "The `next` of the part before."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
    ),
    responses((status = 200, description = "A part of what is there.", body = ListedFiles))
)]
pub(crate) async fn list_files(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
) -> Result<Json<ListedFiles>> {
    let at = query::at(name, wanted.path, wanted.user);
    let part = service.list_files(&call, &at, wanted.list).await?;
    let last = part.entries.last().filter(|_| part.more);
    Ok(Json(ListedFiles {
        success: True,
        next: last.map(|entry| URL_SAFE_NO_PAD.encode(&entry.path)),
        files: part.entries.iter().map(convert::info).collect(),
    }))
}
