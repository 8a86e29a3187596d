//! Content on its way to the client.

use crate::error::Error;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use podlane_engine::InnerPath;
use podlane_service::{Call, Error as Failure, Outgoing, Result};
use std::fmt::Write;
use std::io;

/// A body that comes piece by piece. An error that comes too late for a status breaks it off, so that
/// nobody takes it for whole; the log has it from here.
pub(crate) fn body(
    pieces: impl Stream<Item = Result<Bytes>> + Send + 'static,
    call: &Call,
) -> Body {
    let id = call.request_id.clone();
    Body::from_stream(pieces.map(move |piece| {
        piece.map_err(|error: Failure| {
            let answer = Error::from(error).answer();
            tracing::warn!(
                target: "podlane::request",
                request_id = %id,
                outcome = answer.kind.as_str(),
                error = answer.log,
                "a transfer broke off"
            );
            io::Error::other("the transfer broke off")
        })
    }))
}

/// An archive as a body.
pub(crate) fn outgoing(archive: Outgoing, call: &Call) -> Body {
    let pieces = stream::try_unfold(archive, |mut archive| async {
        Ok(archive.next().await?.map(|piece| (piece, archive)))
    });
    body(pieces, call)
}

/// What a path is saved as.
pub(crate) fn name(path: &InnerPath) -> &str {
    path.split().map_or("root", |(_, name)| name)
}

/// `Content-Disposition`: a browser saves it under the name that it has, and shows nothing of it.
pub(crate) fn attachment(name: &str, suffix: &str) -> String {
    let mut text = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes().chain(suffix.bytes()) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
