//! An image's transfer or build: as one answer at its end, or as events.

use super::events::{alive, written};
use super::{Context, Form};
use crate::error::Result;
use axum::Json;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_api::{ImageProgress, Made, MadeImage, True};
use podlane_engine::{Error as EngineError, ImageStep};
use podlane_service::{Call, Error as Operation, ImageMaking};
use std::convert::Infallible;
use tokio::time::timeout_at;

/// The answer in the form that the caller wants. One that comes at the end comes within the request's time.
pub(crate) async fn making(form: Form, call: &Call, making: ImageMaking) -> Result<Response> {
    if form == Form::Document {
        return Ok(Json(whole(call, making).await?).into_response());
    }
    let context = Context::new(call);
    let events = stream::unfold(
        (Some(making), context),
        move |(making, context)| async move {
            let mut making = making?;
            let (event, goes_on) = match making.next().await {
                Ok(ImageStep::Says(text)) => {
                    (written(form, None, "progress", &progress(text)), true)
                }
                Ok(ImageStep::Layer {
                    text,
                    layer,
                    current,
                    total,
                }) => {
                    let progress = ImageProgress {
                        text,
                        layer: Some(layer),
                        current_bytes: current,
                        total_bytes: total,
                    };
                    (written(form, None, "progress", &progress), true)
                }
                Ok(ImageStep::Done(id)) => {
                    (written(form, None, "done", &made(&making, &id)), false)
                }
                Err(error) => (written(form, None, "error", &context.failure(error)), false),
            };
            Some((event, (goes_on.then_some(making), context)))
        },
    );
    let begun = stream::iter((form == Form::EventStream).then_some(Bytes::from_static(b":\n\n")));
    let events = alive(form, begun.chain(events).boxed());
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    Ok(([(CONTENT_TYPE, form.media_type())], body).into_response())
}

async fn whole(call: &Call, mut making: ImageMaking) -> Result<MadeImage, Operation> {
    loop {
        let step = timeout_at(call.deadline, making.next()).await;
        let late = |_| EngineError::Timeout {
            step: "making the image".into(),
            limit: call.limit,
        };
        if let ImageStep::Done(id) = step.map_err(late)?? {
            return Ok(MadeImage {
                success: True,
                image: made(&making, &id),
            });
        }
    }
}

fn made(making: &ImageMaking, id: &str) -> Made {
    Made {
        id: super::convert::short(id).to_owned(),
        name: making.name().to_string(),
    }
}

fn progress(text: String) -> ImageProgress {
    let layer = text.strip_prefix("Copying blob sha256:");
    let layer = layer.and_then(|layer| layer.split(' ').next());
    ImageProgress {
        layer: layer.map(|layer| super::convert::short(layer).to_owned()),
        text,
        current_bytes: None,
        total_bytes: None,
    }
}
