//! Forms of many parts (`multipart/form-data`), read as they come.
//!
//! The parser takes all that is there and keeps it until it finds what it looks for, however long that takes.
//! So it is given one piece at a time, and only so much without telling anything of it.

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIND: &str = "multipart/form-data; boundary=B";
    /// What forms are made of.
    const WORDS: &[&str] = &[
        "--B",
        "\r\n",
        "--",
        "Content-Disposition: form-data; name=\"/a\"",
        "\r\n\r\n",
        "; filename=\"",
        "\u{ff}\0",
        " ",
    ];

    /// A form of a body that comes in pieces of a size.
    fn form(body: Vec<u8>, piece: usize) -> Form {
        let body = Bytes::from(body);
        let starts = (0..body.len()).step_by(piece);
        let pieces: Vec<_> = starts
            .map(|start| Ok(body.slice(start..body.len().min(start + piece))))
            .collect();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, KIND.parse().expect("a value"))]);
        Form::new(&headers, stream::iter(pieces)).expect("a boundary")
    }

    /// The names and contents of all parts that can be read.
    fn parts(mut form: Form) -> (Vec<(String, Vec<u8>)>, bool) {
        let reading = async {
            let mut parts = Vec::new();
            loop {
                let mut part = match form.next().await {
                    Ok(Some(part)) => part,
                    end => return (parts, end.is_ok()),
                };
                let name = part.name().unwrap_or_default().to_owned();
                let mut content = Vec::new();
                loop {
                    match part.content().await {
                        Ok(Some(piece)) => content.extend_from_slice(&piece),
                        Ok(None) => break,
                        Err(_) => return (parts, false),
                    }
                }
                parts.push((name, content));
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(reading)
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()];
        proptest::collection::vec(byte, 0..40)
    }

    fn written(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, content) in parts {
            let head = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--B--\r\n");
        body
    }

    proptest! {
        #[test]
        fn a_form_is_read_however_it_is_cut(
            parts in proptest::collection::vec(("/[a-z/]{0,8}", content()), 0..5),
            piece in 1usize..80,
        ) {
            // A content that ends itself is another form.
            let ends = |content: &[u8]| content.windows(5).any(|bytes| bytes == b"\r\n--B");
            prop_assume!(!parts.iter().any(|(_, content)| ends(content)));
            let read = super::tests::parts(form(written(&parts), piece));
            prop_assert_eq!(read, (parts, true));
        }

        #[test]
        fn any_bytes_are_read_or_refused_alike_however_they_are_cut(
            words in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
            piece in 1usize..40,
        ) {
            let body = words.concat().into_bytes();
            let whole = parts(form(body.clone(), body.len().max(1)));
            prop_assert_eq!(parts(form(body, piece)), whole);
        }

        #[test]
        fn a_form_that_breaks_off_is_refused(
            content in content(),
            cut in 1usize..80,
            piece in 1usize..40,
        ) {
            let mut body = written(&[("/a".into(), content)]);
            // Its very last line's end need not come.
            body.truncate(body.len().saturating_sub(2 + cut));
            prop_assert!(!parts(form(body, piece)).1);
        }
    }

    #[test]
    fn little_is_held_of_what_never_begins() {
        let heads: [&[u8]; 3] = [
            b"",
            b"--B\r\nContent-Disposition: ",
            b"--B\r\nContent-Disposition: form-data; name=\"/a\"\r\n\r\nx\r\n--B\r\n",
        ];
        for head in heads {
            let taken = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&taken);
            let endless = stream::repeat_with(move || {
                counter.fetch_add(8192, Ordering::Relaxed);
                Ok(Bytes::from_static(&[b'x'; 8192]))
            });
            let head = Ok(Bytes::from_static(head));
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, KIND.parse().expect("a value"))]);
            let form = Form::new(&headers, stream::iter([head]).chain(endless));
            assert!(!parts(form.expect("a boundary")).1);
            assert!(taken.load(Ordering::Relaxed) <= 2 * MOST);
        }
    }

    #[test]
    fn a_part_may_be_long() {
        let content = vec![b'x'; 4 * MOST];
        let long = [("/a".to_owned(), content)];
        assert_eq!(parts(form(written(&long), 8192)), (long.to_vec(), true));
    }
}
