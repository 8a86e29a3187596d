//! Forms of many parts (`multipart/form-data`), read as they come.
//!
//! The parser takes all that is there and keeps it until it finds what it looks for, however long that takes.
//! So it is given one piece at a time, and only so much without telling anything of it.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::refusal::Refusal;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, ready, stream};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// The most bytes before the first part, or at a part's head.
const MOST: usize = 256 << 10;

/// A form.
pub(crate) struct Form {
    parts: multer::Multipart<'static>,
    unread: Arc<AtomicUsize>,
}

/// A part of it, to be read to its end before the next one.
pub(crate) struct Part {
    field: multer::Field<'static>,
    unread: Arc<AtomicUsize>,
}

impl Form {
    /// The form in a body that comes in pieces.
    pub(crate) fn new(
        headers: &HeaderMap,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Self, Refusal> {
        let kind = headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| Refusal::MediaType {
            header: "Content-Type",
            message: "the multipart body has no boundary".into(),
            hint: "send the header Content-Type: multipart/form-data; boundary=…",
        })?;
        let unread = Arc::default();
        let pieces = one_by_one(pieces.boxed(), Arc::clone(&unread));
        Ok(Self {
            parts: multer::Multipart::new(pieces, boundary),
            unread,
        })
    }

    /// The next part; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>> {
        let field = self.parts.next_field().await.map_err(wrong)?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(field.map(|field| Part {
            field,
            unread: Arc::clone(&self.unread),
        }))
    }
}

impl Part {
    /// What it is called.
    pub(crate) fn name(&self) -> Option<&str> {
        self.field.name()
    }

    /// What the file is called that it holds.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The next piece of its content; `None` at its end.
    pub(crate) async fn content(&mut self) -> Result<Option<Bytes>> {
        let piece = self.field.chunk().await.map_err(wrong)?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(piece)
    }
}

/// Pieces with a pause behind each, and an error once too much was read of which nothing was told.
fn one_by_one(
    mut pieces: BoxStream<'static, io::Result<Bytes>>,
    unread: Arc<AtomicUsize>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let mut pause = false;
    stream::poll_fn(move |context| {
        if std::mem::take(&mut pause) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(pieces.poll_next_unpin(context));
        if let Some(Ok(piece)) = &piece {
            pause = true;
            if unread.fetch_add(piece.len(), Ordering::Relaxed) > MOST {
                let message = format!("more than {MOST} bytes before a part's content");
                return Poll::Ready(Some(Err(io::Error::other(Refusal::Form { message }))));
            }
        }
        Poll::Ready(piece)
    })
}

/// What is wrong with a form. Parts before it have been passed on.
fn wrong(error: multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(cause) = error {
        let refusal = cause.downcast::<io::Error>().ok();
        let refusal = refusal.and_then(|given| given.downcast().ok());
        return Error::InPassing(refusal.unwrap_or(Refusal::BodyCut));
    }
    Error::InPassing(Refusal::Form {
        message: error.to_string(),
    })
}
