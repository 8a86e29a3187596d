//! A log as events.

use super::events::{alive, written};
use super::{Context, Form};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_api::{LogData, LogEnd};
use podlane_engine::Source;
use podlane_service::{Call, LogReader, LogStep, log_time};
use std::convert::Infallible;

/// The answer whose events are a log's; the first bytes come at once.
pub(crate) fn logs(form: Form, call: &Call, reader: LogReader) -> Response {
    let context = Context::new(call);
    let events = stream::unfold(
        (Some(reader), context),
        move |(reader, context)| async move {
            let mut reader = reader?;
            let (event, goes_on) = match reader.next().await {
                Ok(LogStep::Text {
                    source,
                    text,
                    time,
                    at,
                }) => {
                    let name = match source {
                        Source::Stdout => "stdout",
                        Source::Stderr => "stderr",
                    };
                    let data = LogData {
                        at: time.map(log_time),
                        data: text,
                    };
                    (written(form, reader.mark(at), name, &data), true)
                }
                Ok(LogStep::End {
                    status,
                    exit_code,
                    at,
                }) => {
                    let status =
                        status.map_or_else(|| "removed".to_owned(), |status| status.to_string());
                    let end = LogEnd { status, exit_code };
                    (written(form, reader.mark(at), "end", &end), false)
                }
                Err(error) => (written(form, None, "error", &context.failure(error)), false),
            };
            Some((event, (goes_on.then_some(reader), context)))
        },
    );
    let begun = stream::iter((form == Form::EventStream).then_some(Bytes::from_static(b":\n\n")));
    let events = alive(form, begun.chain(events).boxed());
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, form.media_type())], body).into_response()
}
