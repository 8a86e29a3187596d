//! A command's output as Docker's frames: an 8-byte header before each piece, which passes through as
//! it came. Source: Docker Engine API, "Attach to a container", stream format.
//!
//! A frame of stream 3 holds an error of the server's own, as Docker's client library has it
//! (`stdcopy.Systemerr`); nothing comes after it.

use super::{Context, Steps};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper::body::Frame;
use podlane_engine::Source;
use podlane_service::{Ended, Error, Step};
use std::collections::VecDeque;

const EXIT_CODE: HeaderName = HeaderName::from_static("x-exit-code");
const SIGNAL: HeaderName = HeaderName::from_static("x-exit-signal");
const DURATION: HeaderName = HeaderName::from_static("x-exec-duration-ms");
const TIMED_OUT: HeaderName = HeaderName::from_static("x-exec-timed-out");
const KILLED: HeaderName = HeaderName::from_static("x-exec-killed");
const SURVIVORS: HeaderName = HeaderName::from_static("x-exec-survivors");

/// The trailers that may come, as the answer's headers announce them.
pub(super) const TRAILERS: HeaderValue = HeaderValue::from_static(
    "x-exit-code, x-exit-signal, x-exec-duration-ms, x-exec-timed-out, x-exec-killed, x-exec-survivors",
);

/// The frames of a command, and with `trailers` how it ended.
pub(super) fn frames(
    steps: Steps,
    context: Context,
    trailers: bool,
) -> impl Stream<Item = Frame<Bytes>> + Send {
    let state = (steps, VecDeque::with_capacity(2), context);
    stream::unfold(state, move |(mut steps, mut ready, context)| async move {
        loop {
            if let Some(frame) = ready.pop_front() {
                return Some((frame, (steps, ready, context)));
            }
            match steps.next().await? {
                Ok(Step::Output { chunk, .. }) => {
                    piece(number(chunk.source), chunk.data, &mut ready);
                }
                Ok(Step::Lost { bytes, .. }) => {
                    let message = format!("{bytes} bytes of output are not kept any more\n");
                    piece(ERROR, message.into(), &mut ready);
                }
                Ok(Step::Ended(ended)) if trailers => {
                    ready.push_back(Frame::trailers(end(&ended)));
                }
                Ok(Step::Ended(_)) => {}
                Err(error) => piece(ERROR, message(&context, error), &mut ready),
            }
        }
    })
}

const ERROR: u8 = 3;

fn number(source: Source) -> u8 {
    match source {
        Source::Stdout => 1,
        Source::Stderr => 2,
    }
}

/// A header and what follows it, each as it is: the connection sends both with one call.
fn piece(stream: u8, data: Bytes, ready: &mut VecDeque<Frame<Bytes>>) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_be_bytes();
    let header = Bytes::copy_from_slice(&[stream, 0, 0, 0, a, b, c, d]);
    ready.push_back(Frame::data(header));
    ready.push_back(Frame::data(data));
}

fn message(context: &Context, error: Error) -> Bytes {
    let failure = context.failure(error);
    let (message, id) = (failure.error.message, failure.request_id);
    format!("{message} (request {id})\n").into()
}

fn end(ended: &Ended) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(EXIT_CODE, ended.exit.code.into());
    if let Some(signal) = ended.exit.signal {
        trailers.insert(SIGNAL, signal.into());
    }
    let duration = u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX);
    trailers.insert(DURATION, duration.into());
    for (name, value) in [(TIMED_OUT, ended.timed_out), (KILLED, ended.killed)] {
        let word = if value { "true" } else { "false" };
        trailers.insert(name, HeaderValue::from_static(word));
    }
    trailers.insert(SURVIVORS, ended.survivors.len().into());
    trailers
}
