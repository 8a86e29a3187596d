//! `GET /api/v1/containers/{name}/file-search`

use super::{list, query};
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{FileMatch, SearchedFiles, True};
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{Call, SearchFiles, Service};

/// `?path=/etc&text=root&regex=false&ignore_case=false&names=*.conf&limit=100&user=1000`
pub(crate) struct Wanted {
    path: InnerPath,
    user: Option<UserSpec>,
    search: SearchFiles,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &[
        "path",
        "text",
        "regex",
        "ignore_case",
        "names",
        "limit",
        "user",
    ];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let text = parameters.get("text").filter(|text| !text.is_empty());
        let text =
            text.ok_or_else(|| Refusal::field("text", "query parameter `text` is required"))?;
        Ok(Self {
            path: query::path(parameters)?,
            user: query::user(parameters)?,
            search: SearchFiles {
                pattern: text.to_owned(),
                expression: parameters.flag("regex")?.unwrap_or_default(),
                ignore_case: parameters.flag("ignore_case")?.unwrap_or_default(),
                names: query::pattern(parameters, "names")?,
                limit: list::number(parameters, "limit", 100, 10_000)?,
            },
        })
    }
}

/// Search in the files of a running container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/file-search",
    tag = "files",
    params(
        ("path" = String, Query, description = "A file, or a directory that is searched with all below it."),
        ("text" = String, Query, description = "What a line must hold."),
        ("regex" = Option<bool>, Query, description = "Whether that is a regular expression; false if left out."),
        ("ignore_case" = Option<bool>, Query, description = "Whether upper and lower case are one; false if left out."),
        ("names" = Option<String>, Query, description = "A shell pattern that the names of files must fit."),
        ("limit" = Option<u32>, Query, description = "How many lines, 1 to 10000; 100 if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
    ),
    responses((status = 200, description = "The lines.", body = SearchedFiles))
)]
pub(crate) async fn search_files(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
) -> Result<Json<SearchedFiles>> {
    let at = query::at(name, wanted.path, wanted.user);
    let searched = service.search_files(&call, &at, wanted.search).await?;
    let matches = searched.matches.into_iter().map(|found| FileMatch {
        path: String::from_utf8_lossy(&found.path).into_owned(),
        line: found.line,
        text: found.text,
        start: found.occurrence.start,
        end: found.occurrence.end,
    });
    Ok(Json(SearchedFiles {
        success: True,
        matches: matches.collect(),
        files: searched.found.files,
        skipped: searched.found.skipped,
        more: searched.found.more,
    }))
}
