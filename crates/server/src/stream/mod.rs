//! A command's output as a stream, in the form that the caller asks for.

mod accept;
mod alive;
pub(crate) mod convert;
mod events;
mod frames;
mod happening;
mod logs;
mod making;
mod measured;
pub(crate) mod transfer;

#[cfg(test)]
mod tests;

pub(crate) use accept::Form;
pub(crate) use alive::KeptAlive;
pub(crate) use events::{Beginning, LAST};
pub(crate) use happening::happening;
pub(crate) use logs::logs;
pub(crate) use making::making;
pub(crate) use measured::measured;

use crate::error::Error;
use crate::render;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, TE, TRAILER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use podlane_api::{Failure, OutputEncoding};
use podlane_engine::{ExecPath, RequestId};
use podlane_service::{Call, ExecStream, Step};
use std::convert::Infallible;

/// Says how a command was started.
pub(crate) const EXEC_PATH: HeaderName = HeaderName::from_static("x-exec-path");

/// What a reader is told, one after the other; nothing after the end or an error.
pub(crate) type Steps = BoxStream<'static, Result<Step, podlane_service::Error>>;

/// How the caller wants a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) form: Form,
    pub(crate) encoding: OutputEncoding,
    pub(crate) trailers: Trailers,
}

/// Whether the caller takes trailers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trailers(bool);

impl<S: Send + Sync> FromRequestParts<S> for Trailers {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(TE).into_iter();
        let mut codings = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        Ok(Self(codings.any(|coding| {
            coding.trim().eq_ignore_ascii_case("trailers")
        })))
    }
}

/// What a stream says of itself when it fails.
pub(crate) struct Context {
    id: RequestId,
}

impl Context {
    pub(crate) fn new(call: &Call) -> Self {
        Self {
            id: call.request_id.clone(),
        }
    }

    /// An error that came too late for a status, as the caller reads it; the log has it from here.
    fn failure(&self, error: podlane_service::Error) -> Failure {
        let answer = Error::from(error).answer();
        tracing::warn!(
            target: "podlane::request",
            request_id = %self.id,
            outcome = answer.kind.as_str(),
            error = answer.log,
            "a stream of output broke off"
        );
        render::failure(&answer, &self.id)
    }
}

/// The steps of a running command.
pub(crate) fn steps(exec: ExecStream) -> Steps {
    stream::unfold(Some(exec), |exec| async {
        let mut exec = exec?;
        let step = exec.next().await;
        let goes_on = matches!(step, Ok(Step::Output { .. } | Step::Lost { .. }));
        Some((step, goes_on.then_some(exec)))
    })
    .boxed()
}

/// The answer that is a stream.
pub(crate) fn answer(
    wanted: Wanted,
    path: ExecPath,
    beginning: Beginning,
    steps: Steps,
    context: Context,
) -> Response {
    let Wanted {
        form,
        encoding,
        trailers: Trailers(trailers),
    } = wanted;
    let body = if form == Form::Multiplexed {
        let frames = frames::frames(steps, context, trailers);
        Body::new(StreamBody::new(frames.map(Ok::<_, Infallible>)))
    } else {
        let events = events::events(form, encoding, beginning, steps, context);
        let frames = events.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
        Body::new(StreamBody::new(frames))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form.media_type());
    headers.insert(EXEC_PATH, HeaderValue::from_static(path.as_str()));
    if form == Form::Multiplexed && trailers {
        headers.insert(TRAILER, frames::TRAILERS);
    }
    response
}
