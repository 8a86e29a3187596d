//! `GET /api/v1/execs/{id}/output`
//!
//! A position in the output is a number of bytes, standard output and standard error together. The
//! events' IDs are such positions, so a reader goes on where it was.

use super::Id;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::stream::{self, Beginning, Context, Form, Steps, Trailers, Wanted};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{StreamExt, stream as futures};
use podlane_api::{ExecEvent, ExecStart, OutputEncoding, ReadExecOutput, True};
use podlane_service::{Call, OutputReader, Service, Step};

/// `?from=0&follow=true&encoding=text`
pub(crate) struct Part {
    from: Option<u64>,
    follow: Option<bool>,
    encoding: OutputEncoding,
}

impl QueryShape for Part {
    const NAMES: &'static [&'static str] = &["from", "follow", "encoding"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let from = match parameters.get("from") {
            None => None,
            Some(_) => Some(parameters.count("from", "a non-negative integer")?),
        };
        let encoding = match parameters.get("encoding") {
            None | Some("text") => OutputEncoding::Text,
            Some("base64") => OutputEncoding::Base64,
            Some(_) => {
                let message = "query parameter `encoding` must be text or base64";
                return Err(Refusal::field("encoding", message));
            }
        };
        Ok(Self {
            from,
            follow: parameters.flag("follow")?,
            encoding,
        })
    }
}

/// Read the output of a background command, from any position that is kept.
#[utoipa::path(
    get,
    path = "/api/v1/execs/{id}/output",
    tag = "execs",
    params(
        ("from" = Option<u64>, Query, description = "The position to begin at: how many bytes of output to leave out. The `id` of the last event that was read, or `next`. 0 if left out."),
        ("follow" = Option<bool>, Query, description = "Whether to wait for what is yet to come, until the command ends. True for streams if left out, and false for JSON, where it can't be true."),
        ("encoding" = Option<OutputEncoding>, Query, description = "How the output is written; `text` if left out."),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same as `from`, if that is left out."),
    ),
    responses((
        status = 200,
        description = "What is there, up to the limit for one answer; or, if `Accept` asks for a stream, all of it.",
        content(
            (ReadExecOutput = "application/json"),
            (ExecEvent = "application/x-ndjson"),
            (String = "text/event-stream"),
            (String = "application/vnd.docker.multiplexed-stream"),
        ),
        headers(("X-Exec-Path" = podlane_api::ExecPath, description = "How the command was started.")),
    ), (
        status = 204,
        description = "There is nothing more to tell: `Last-Event-ID` is that of a stream's last event.",
    ))
)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument for each part of the request"
)]
pub(crate) async fn exec_output(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(part): Query<Part>,
    form: Form,
    trailers: Trailers,
    headers: HeaderMap,
) -> Result<Response> {
    let last = match part.from {
        Some(_) => None,
        None => last_event(&headers)?,
    };
    let from = part.from.or(last).unwrap_or_default();
    let follow = part.follow.unwrap_or(form != Form::Document);
    if form != Form::Document {
        let mut reader = service.read_exec(&call, &id, from, follow).await?;
        let exec = reader.exec();
        let end = exec.end.map(|_| exec.bytes + stream::LAST);
        if end.is_some_and(|end| last >= Some(end)) {
            // Who has read its end and connects again, is to do so no more.
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        if form != Form::Multiplexed && part.encoding == OutputEncoding::Text {
            reader.want_whole_characters();
        }
        let wanted = Wanted {
            form,
            encoding: part.encoding,
            trailers,
        };
        return Ok(streamed(wanted, reader, &call));
    }
    if follow {
        let message = "JSON can't follow a command: accept a stream, or leave `follow` out";
        return Err(Refusal::field("follow", message).into());
    }
    let mut reader = service.read_exec(&call, &id, from, false).await?;
    if part.encoding == OutputEncoding::Text {
        reader.want_whole_characters();
    }
    let path = reader.exec().path.as_str();
    let output = super::part::part(reader, part.encoding, service.limits().output_bytes).await?;
    let body = Json(ReadExecOutput {
        success: True,
        output,
    });
    Ok(([(stream::EXEC_PATH, path)], body).into_response())
}

fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        Refusal::field(
            "Last-Event-ID",
            "`Last-Event-ID` must be the ID of an event",
        )
    })
}

fn streamed(wanted: Wanted, mut reader: OutputReader, call: &Call) -> Response {
    let exec = reader.exec();
    let beginning = Beginning {
        start: ExecStart {
            path: stream::convert::path(exec.path),
            container: stream::convert::short(&exec.container).to_owned(),
        },
        at: reader.at(),
        texts: reader.take_texts(),
    };
    let steps: Steps = futures::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let step = reader.next().await.transpose()?;
        let goes_on = matches!(step, Ok(Step::Output { .. } | Step::Lost { .. }));
        Some((step, goes_on.then_some(reader)))
    })
    .boxed();
    stream::answer(wanted, exec.path, beginning, steps, Context::new(call))
}
