//! What containers use, as events.

use super::events::{alive, written};
use super::{Context, Form};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_api::{Measured, Stats};
use podlane_service::{Call, StatsReader};
use std::convert::Infallible;

/// The answer that goes on for as long as somebody reads it and there is something to measure.
pub(crate) fn measured(
    form: Form,
    call: &Call,
    reader: StatsReader,
    answer: fn(podlane_engine::Stats) -> Stats,
) -> Response {
    let context = Context::new(call);
    let events = stream::unfold(
        (Some(reader), context),
        move |(reader, context)| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(Some(stats)) => {
                    let measured = Measured {
                        time: crate::timestamp::now(),
                        stats: stats.into_iter().map(answer).collect(),
                    };
                    let event = written(form, None, "stats", &measured);
                    Some((event, (Some(reader), context)))
                }
                Ok(None) => {
                    let over = Measured {
                        time: crate::timestamp::now(),
                        stats: Vec::new(),
                    };
                    let event = written(form, None, "end", &over);
                    Some((event, (None, context)))
                }
                Err(error) => {
                    let event = written(form, None, "error", &context.failure(error));
                    Some((event, (None, context)))
                }
            }
        },
    );
    let begun = stream::iter((form == Form::EventStream).then_some(Bytes::from_static(b":\n\n")));
    let events = alive(form, begun.chain(events).boxed());
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, form.media_type())], body).into_response()
}
