//! `GET /api/v1/files`: the same path of many containers as one tar archive.

use super::query;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::transfer;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream as futures;
use podlane_engine::{ContainerRef, InnerPath};
use podlane_service::{Call, Service};

/// `?path=/home/ann/report.txt&container=a&container=b`
pub(crate) struct Wanted {
    path: InnerPath,
    containers: Vec<ContainerRef>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["path", "container"];
    const REPEATED: &'static [&'static str] = &["container"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let names = parameters.all("container");
        if names.is_empty() {
            let message = "query parameter `container` is required, once for each container";
            return Err(Refusal::field("container", message));
        }
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                let message = "query parameter `container` names a container twice";
                return Err(Refusal::field("container", message));
            }
        }
        let containers = names
            .iter()
            .map(|name| ContainerRef::parse(name).map_err(Refusal::in_field("container")));
        Ok(Self {
            path: query::path(parameters)?,
            containers: containers.collect::<Result<_, _>>()?,
        })
    }
}

/// Download the same path of many containers as one tar archive.
#[utoipa::path(
    get,
    path = "/api/v1/files",
    tag = "files",
    params(
        ("path" = String, Query, description = "A file or directory."),
        ("container" = Vec<String>, Query, description = "A container; once for each."),
    ),
    responses((status = 200, description = "The archive, with a folder for each container; for one that has nothing to give, a file `NAME.error` that says why.", content_type = "application/x-tar", body = String))
)]
pub(crate) async fn gather_files(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let gathered = service.gather(&call, &wanted.path, wanted.containers)?;
    let pieces = futures::try_unfold(gathered, |mut gathered| async {
        Ok(gathered.next().await?.map(|piece| (piece, gathered)))
    });
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (
            CONTENT_DISPOSITION,
            transfer::attachment(transfer::name(&wanted.path), ".tar"),
        ),
    ];
    Ok((headers, transfer::body(pieces, &call)).into_response())
}
