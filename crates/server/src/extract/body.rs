//! Reading a request's body: whole, bounded in size and in time, or not at all.

use crate::Settings;
use crate::refusal::Refusal;
use crate::serve::Framing;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::{Extensions, HeaderMap};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::BodyExt;
use podlane_service::Call;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long to listen to a body that is refused: in all, and after its last byte, which a distant client's next
/// ones follow only after a round trip.
const LINGER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);

/// Reads a body up to the limit. The whole of it must arrive before the call's deadline, and a client
/// must not be silent for longer than the settings allow.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    settings: &Settings,
    limit: usize,
    call: &Call,
) -> Result<Vec<u8>, Refusal> {
    let too_large = || Refusal::BodyTooLarge { limit };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
        // Who asks before sending sends nothing.
        if !headers.contains_key(EXPECT) {
            discard(&mut body).await;
        }
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    loop {
        let silent = Instant::now() + settings.body_timeout;
        let frame = match timeout_at(silent.min(call.deadline), body.frame()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Refusal::BodyCut),
            Err(_) if silent <= call.deadline => {
                return Err(Refusal::BodySilent {
                    silence: settings.body_timeout,
                });
            }
            Err(_) => return Err(Refusal::BodySlow { limit: call.limit }),
        };
        // Trailers are no part of the content.
        if let Ok(data) = frame.into_data() {
            if data.len() > limit - bytes.len() {
                discard(&mut body).await;
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
}

/// The next piece of a body that is never held as a whole. A client must not be silent for long; with a
/// call, all of it must arrive before the call's deadline.
pub(crate) async fn piece(
    body: &mut Body,
    settings: &Settings,
    call: Option<&Call>,
) -> Result<Option<Bytes>, Refusal> {
    loop {
        let silent = Instant::now() + settings.body_timeout;
        let late = call.filter(|call| call.deadline < silent);
        let deadline = late.map_or(silent, |call| call.deadline);
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Refusal::BodyCut),
            Err(_) => {
                return Err(match late {
                    Some(call) => Refusal::BodySlow { limit: call.limit },
                    None => Refusal::BodySilent {
                        silence: settings.body_timeout,
                    },
                });
            }
        };
        // Trailers are no part of the content.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// A body of any size that is taken piece by piece. One that is not taken to its end is read on for a
/// moment, for the same reason as in [`discard`], while the answer is on its way.
pub(crate) struct Upload {
    body: Option<Body>,
    /// Whether its client asks before it sends, and has not been told to.
    waits: bool,
    settings: Arc<Settings>,
    extensions: Extensions,
}

impl Upload {
    pub(crate) fn new(request: Request, settings: &Arc<Settings>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            waits: parts.headers.contains_key(EXPECT),
            body: Some(body),
            settings: Arc::clone(settings),
            extensions: parts.extensions,
        }
    }

    /// The next piece; `None` at the end, if the framing was right.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        self.waits = false;
        let piece = piece(body, &self.settings, None).await?;
        if piece.is_none() {
            self.body = None;
            // How it was framed is known only now.
            Framing::check(&self.extensions)?;
        }
        Ok(piece)
    }

    /// The same as a stream.
    pub(crate) fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::try_unfold(self, |mut upload| async {
            match upload.next().await {
                Ok(piece) => Ok(piece.map(|piece| (piece, upload))),
                Err(refusal) => Err(io::Error::other(refusal)),
            }
        })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Who asks before sending sends nothing.
        if self.waits {
            return;
        }
        if let (Some(mut body), Ok(runtime)) = (self.body.take(), Handle::try_current()) {
            runtime.spawn(async move { discard(&mut body).await });
        }
    }
}

/// Reads on for a moment and keeps nothing. A client that is still sending when its connection is
/// closed sees that, and never the answer.
async fn discard(body: &mut Body) {
    let read = async { while let Ok(Some(Ok(_))) = timeout(PAUSE, body.frame()).await {} };
    let _ = timeout(LINGER, read).await;
}
