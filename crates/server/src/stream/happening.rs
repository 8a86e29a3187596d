//! What happens at the engine, as events.

use super::events::{alive, written};
use super::{Context, Form};
use crate::timestamp;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_api::Happened;
use podlane_engine::EngineEvent;
use podlane_service::{Call, EventReader};
use std::convert::Infallible;
use time::OffsetDateTime;

/// The answer that goes on for as long as somebody reads it; its first bytes come at once.
pub(crate) fn happening(form: Form, call: &Call, reader: EventReader) -> Response {
    let context = Context::new(call);
    let events = stream::unfold(
        (Some(reader), context),
        move |(reader, context)| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(event) => {
                    let id = u64::try_from(event.at).ok();
                    let event = written(form, id, "happened", &happened(&event));
                    Some((event, (Some(reader), context)))
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

fn happened(event: &EngineEvent) -> Happened {
    let time = OffsetDateTime::from_unix_timestamp_nanos(event.at.into());
    Happened {
        time: time.map(timestamp::format).unwrap_or_default(),
        kind: event.kind.clone(),
        action: event.action.clone(),
        subject: super::convert::short(&event.id).to_owned(),
        name: event.name.clone(),
        attributes: event.attributes.clone(),
    }
}
