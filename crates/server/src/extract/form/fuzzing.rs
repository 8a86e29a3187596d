//! A door for the fuzz target, and the tests'.

use super::Form;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures_util::stream;

/// The kind of the forms that are read here.
pub(super) const KIND: &str = "multipart/form-data; boundary=B";

/// The names and contents of all parts of a body that comes in pieces of a size, and whether it ends as a
/// form does.
#[cfg_attr(
    not(feature = "fuzzing"),
    expect(unreachable_pub, reason = "it is for the fuzz target")
)]
pub async fn form(body: &[u8], piece: usize) -> (Vec<(String, Vec<u8>)>, bool) {
    let pieces: Vec<_> = body
        .chunks(piece.max(1))
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(KIND))]);
    match Form::new(&headers, stream::iter(pieces)) {
        Ok(form) => parts(form).await,
        Err(_) => (Vec::new(), false),
    }
}

/// The names and contents of all parts that can be read, and whether that was all.
pub(super) async fn parts(mut form: Form) -> (Vec<(String, Vec<u8>)>, bool) {
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
}
