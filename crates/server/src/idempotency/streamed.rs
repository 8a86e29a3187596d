//! An answer that is a stream, kept as it passes: as a whole, if it ends by itself and is not too large.

use super::kept::LARGEST;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use podlane_service::{Claim, KeptAnswer, Service};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

type Piece = Option<Result<Frame<Bytes>, axum::Error>>;

pub(super) struct Streamed {
    body: Body,
    state: State,
}

enum State {
    Passing(Box<Tape>),
    /// It has ended, and who has seen its end finds it kept.
    Keeping(JoinHandle<()>, Piece),
    Ended,
}

/// What has passed so far.
struct Tape {
    service: Service,
    claim: Claim,
    answer: KeptAnswer,
    /// `None` once it was too much.
    passed: Option<Vec<u8>>,
}

impl Tape {
    fn piece(&mut self, piece: &[u8]) {
        let Some(passed) = &mut self.passed else {
            return;
        };
        if passed.len() + piece.len() <= LARGEST && self.claim.may_hold(piece.len()) {
            passed.extend_from_slice(piece);
        } else {
            self.passed = None;
            self.claim.hold_nothing();
        }
    }

    fn keep(mut self) -> JoinHandle<()> {
        self.answer.body = self.passed.map(Bytes::from);
        self.service.keep_later(self.claim, self.answer)
    }
}

impl Streamed {
    pub(super) fn new(body: Body, service: Service, claim: Claim, answer: KeptAnswer) -> Self {
        let passed = Some(Vec::new());
        Self {
            body,
            state: State::Passing(Box::new(Tape {
                service,
                claim,
                answer,
                passed,
            })),
        }
    }

    /// The body has ended with this.
    fn ended(&mut self, last: Piece) {
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Passing(tape) => State::Keeping(tape.keep(), last),
            other => other,
        };
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece> {
        let this = self.get_mut();
        loop {
            let tape = match &mut this.state {
                State::Passing(tape) => tape,
                State::Keeping(kept, last) => {
                    // If that fails, the log has it.
                    let _ = ready!(Pin::new(kept).poll(cx));
                    let last = last.take();
                    this.state = State::Ended;
                    return Poll::Ready(last);
                }
                State::Ended => return Poll::Ready(None),
            };
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(piece) = frame.data_ref() {
                        tape.piece(piece);
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    // Nothing comes after trailers.
                    if let Some(trailers) = frame.trailers_ref() {
                        tape.answer.trailers = super::kept::texts(trailers);
                    }
                    this.ended(Some(Ok(frame)));
                }
                Some(Err(error)) => {
                    tape.passed = None;
                    this.ended(Some(Err(error)));
                }
                None => this.ended(None),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Streamed {
    /// One that is cut is not kept.
    fn drop(&mut self) {
        if let State::Passing(mut tape) = std::mem::replace(&mut self.state, State::Ended)
            && Handle::try_current().is_ok()
        {
            tape.passed = None;
            drop(tape.keep());
        }
    }
}
