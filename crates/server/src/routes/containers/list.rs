//! `GET /api/v1/containers`

use super::{answers, lifetime};
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use podlane_api::{ContainerList, ContainerRow, True};
use podlane_engine::{PodId, Status};
use podlane_service::{Call, Lifetime, ListFilter, Page, Row, Service, WithLabels};

/// The most rows that a part has.
const MOST: u64 = 1000;

/// `?label=course=net-101&status=running&name=lab&image=alpine&since=2026-11-24T10:00:00Z&limit=50&cursor=...`
pub(crate) struct Wanted {
    labels: Vec<String>,
    filter: ListFilter,
    page: Page,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &[
        "label", "status", "name", "image", "since", "limit", "cursor",
    ];
    const REPEATED: &'static [&'static str] = &["label", "status"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let text = |name| parameters.get(name).map(str::to_owned);
        let statuses = parameters.all("status").iter();
        let statuses = statuses.map(|word| {
            let message = "query parameter `status` must be created, running, paused, stopping, exited, removing or unknown";
            Status::parse(word).ok_or_else(|| Refusal::field("status", message))
        });
        let limit = parameters.get("limit").map(|_| {
            let rule = "a number from 1 to 1000";
            let limit = parameters.count("limit", rule)?;
            let message = || format!("query parameter `limit` must be {rule}");
            let fits = Some(limit).filter(|limit| (1..=MOST).contains(limit));
            let limit = fits.and_then(|limit| usize::try_from(limit).ok());
            limit.ok_or_else(|| Refusal::field("limit", message()))
        });
        let limit = limit.transpose()?;
        Ok(Self {
            labels: parameters.all("label").to_vec(),
            filter: ListFilter {
                labels: WithLabels::default(),
                statuses: statuses.collect::<Result<_, _>>()?,
                name: text("name"),
                image: text("image"),
                since: parameters.time("since")?,
            },
            page: Page {
                limit,
                cursor: text("cursor"),
            },
        })
    }
}

/// List the containers, running or not: all of them, or those that are wanted.
#[utoipa::path(
    get,
    path = "/api/v1/containers",
    tag = "containers",
    params(
        ("label" = Vec<String>, Query, description = "Only those with this label: its name, or `name=value`. May be repeated; all must be there."),
        ("status" = Vec<String>, Query, description = "Only those in this state. May be repeated; one must fit."),
        ("name" = Option<String>, Query, description = "Only those with this in the name."),
        ("image" = Option<String>, Query, description = "Only those of this image, with or without its tag."),
        ("since" = Option<String>, Query, description = "Only those made after this time: RFC 3339, or whole seconds since 1970."),
        ("limit" = Option<u64>, Query, description = "At most so many, 1 to 1000, the first made first. Without it all."),
        ("cursor" = Option<String>, Query, description = "Those behind the `next_cursor` of an earlier answer."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 if it would be the same."),
    ),
    responses(
        (status = 200, description = "The containers.", body = ContainerList, headers(("ETag" = String))),
        (status = 304, description = "The answer is the one that the caller has."),
    )
)]
pub(crate) async fn list_containers(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let filter = ListFilter {
        labels: WithLabels::parse(wanted.labels.iter().map(String::as_str))?,
        ..wanted.filter
    };
    let page = &wanted.page;
    let listed = service.list_containers(&call, &filter, page).await?;
    let (lifetimes, next_cursor) = (listed.lifetimes, listed.next);
    let told = listed.containers.told(|rows| {
        let rows = rows.iter();
        let rows = rows.map(|container| row(container, lifetimes.get(&container.id).copied()));
        let list = ContainerList {
            success: True,
            containers: rows.collect(),
            next_cursor,
        };
        serde_json::to_vec(&list).unwrap_or_default().into()
    });
    let etag = format!("\"{}\"", told.tag);
    if is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let headers = [(ETAG, etag), (CONTENT_TYPE, "application/json".to_owned())];
    Ok((headers, told.body.clone()).into_response())
}

/// Whether the caller has this already. Source: RFC 9110, section 13.1.2.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).into_iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
}

fn row(container: &Row, life: Option<Lifetime>) -> ContainerRow {
    let (expires_at, lifetime) = lifetime::told(life);
    ContainerRow {
        id: container.id.short().to_owned(),
        name: container.name.clone(),
        status: container.status.to_string(),
        image: container.image.clone(),
        created: container.created.clone(),
        ports: answers::ports(&container.ports),
        labels: container.labels.clone(),
        pod: container.pod.as_ref().map(PodId::short).map(Into::into),
        infra: container.infra,
        expires_at,
        lifetime,
    }
}
