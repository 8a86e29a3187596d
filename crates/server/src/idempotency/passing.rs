//! A request's body on its way to its handler: what it is, is noted as it passes.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use podlane_service::Seen;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub(super) struct Passing {
    body: Body,
    seen: Seen,
}

impl Passing {
    pub(super) fn new(body: Body, seen: Seen) -> Self {
        Self { body, seen }
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            // Trailers are no part of the content.
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    this.seen.piece(piece);
                }
            }
            Some(Err(_)) => {}
            None => this.seen.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
