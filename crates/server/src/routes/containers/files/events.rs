//! `GET /api/v1/containers/{name}/file-events`: what happens at a path, as server-sent events.
//!
//! A watch goes on for a minute without its reader, who goes on behind the last event with its ID.

use super::{convert, query};
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::KeptAlive;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_api::FileEvent;
use podlane_engine::inside::Watched as What;
use podlane_engine::{InnerPath, UserSpec};
use podlane_service::{Call, Happening, Service, Watched};
use std::convert::Infallible;

/// `?path=/srv&recursive=true&user=1000`
pub(crate) struct Wanted {
    path: InnerPath,
    recursive: bool,
    user: Option<UserSpec>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["path", "recursive", "user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            path: query::path(parameters)?,
            recursive: parameters.flag("recursive")?.unwrap_or_default(),
            user: query::user(parameters)?,
        })
    }
}

/// Watch a file or directory of a running container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/file-events",
    tag = "files",
    params(
        ("path" = String, Query, description = "A file or directory."),
        ("recursive" = Option<bool>, Query, description = "Whether directories below it are watched too; false if left out."),
        ("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out."),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on behind this event."),
    ),
    responses((status = 200, description = "The events `created`, `written`, `changed`, `removed`, `moved`, `lost`, `gone` and `end`, until the watch ends.", content_type = "text/event-stream", body = FileEvent))
)]
pub(crate) async fn file_events(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response> {
    let at = query::at(name, wanted.path, wanted.user);
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let watching = service.watch_files(&call, &at, wanted.recursive, last);
    let events = stream::unfold(watching.await?, |mut watching| async {
        let event = watching.next().await?;
        Some((written(&event), watching))
    });
    // A reader learns that it is watched before anything happens.
    let begun = stream::iter([Bytes::from_static(b":\n\n")]);
    let events = KeptAlive::new(begun.chain(events).boxed(), ":\n\n");
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

fn written(event: &Watched) -> Bytes {
    let text = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
    let mut data = FileEvent {
        path: None,
        from: None,
        kind: None,
        lost: None,
        reason: None,
    };
    let name = match &event.what {
        Happening::Lost(lost) => {
            data.lost = *lost;
            "lost"
        }
        Happening::Ended(reason) => {
            data.reason = Some(reason.clone());
            "end"
        }
        Happening::Seen(seen) => {
            data.path = Some(text(&seen.path));
            data.kind = seen.kind.map(convert::kind);
            match &seen.what {
                What::Created => "created",
                What::Written => "written",
                What::Changed => "changed",
                What::Removed => "removed",
                What::Moved { from } => {
                    data.from = Some(text(from));
                    "moved"
                }
                What::Overflow => "lost",
                What::Gone => "gone",
            }
        }
    };
    // Writing our own bodies into memory can't fail.
    let json = serde_json::to_string(&data).unwrap_or_default();
    format!("id: {}\nevent: {name}\ndata: {json}\n\n", event.id).into()
}
