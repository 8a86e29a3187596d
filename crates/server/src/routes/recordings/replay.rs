//! `GET /api/v1/recordings/{id}/replay`
//!
//! Each line of the recording is one server-sent event, sent when it happened. One that is still being
//! written is played as far as it has come.

use super::Id;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use podlane_service::{Call, Error, Service};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, sleep_until};

/// `?speed=2`
pub(crate) struct Speed(f64);

impl QueryShape for Speed {
    const NAMES: &'static [&'static str] = &["speed"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let speed = parameters.get("speed").unwrap_or("1").parse().ok();
        let speed = speed.filter(|speed| (0.1..=1000.0).contains(speed));
        speed
            .map(Self)
            .ok_or_else(|| Refusal::field("speed", "`speed` must be a number from 0.1 to 1000"))
    }
}

/// Replay a recording in its own time, or faster.
#[utoipa::path(
    get,
    path = "/api/v1/recordings/{id}/replay",
    tag = "recordings",
    params(
        ("id" = String, Path, description = "The recording's name."),
        ("speed" = Option<f64>, Query, description = "How many times as fast, 0.1 to 1000; 1 if left out.")
    ),
    responses((status = 200, description = "Events, the data of each a line of the recording.", body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn replay_recording(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(Speed(speed)): Query<Speed>,
) -> Result<Response> {
    let file = service
        .recording(&call, &id)
        .await?
        .ok_or(Error::NoRecording)?;
    let (lines, began) = (BufReader::new(file).lines(), Instant::now());
    let events = stream::try_unfold(lines, move |mut lines| async move {
        let Some(line) = lines.next_line().await? else {
            return Ok::<_, std::io::Error>(None);
        };
        sleep_until(began + happened(&line).div_f64(speed)).await;
        Ok(Some((format!("data: {line}\n\n"), lines)))
    });
    let body = Body::from_stream(events);
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// When the event of a line was; the first line is none.
fn happened(line: &str) -> Duration {
    let seconds = line.strip_prefix('[').and_then(|line| line.split_once(','));
    let seconds = seconds.and_then(|(seconds, _)| seconds.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.unwrap_or_default()
}
