//! A connection that has left HTTP: input one way, output the other, in frames or, from a terminal, plain.

use crate::frames::{Decoder, FrameError};
use bytes::{Bytes, BytesMut};
use hyper::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use podlane_engine::{Call, Chunk, Error, Result, Source, StdinSink};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::time::timeout_at;

/// How much is read from the connection at once.
const BUFFER: usize = 64 * 1024;

/// What comes over such a connection.
pub(crate) struct Output {
    stream: ReadHalf<TokioIo<Upgraded>>,
    buffer: BytesMut,
    received: Bytes,
    /// A terminal's output has no frames.
    decoder: Option<Decoder>,
    /// What it is read for, for messages.
    step: &'static str,
}

/// Takes the connection of an answer to `asked` over.
pub(crate) async fn take<B>(
    call: &Call,
    asked: &'static str,
    response: Response<B>,
) -> Result<TokioIo<Upgraded>> {
    if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        let reason = format!("status {} in place of an upgrade", response.status());
        return Err(Error::Garbled {
            step: asked.into(),
            reason,
        });
    }
    let upgrade = timeout_at(call.deadline, hyper::upgrade::on(response)).await;
    let stream = upgrade
        .map_err(|_elapsed| crate::connection::timed_out(call, asked))?
        .map_err(|error| Error::Unavailable {
            step: asked.into(),
            reason: error.to_string(),
        })?;
    Ok(TokioIo::new(stream))
}

/// The two directions of such a connection, read for `step`.
pub(crate) fn split(
    stream: TokioIo<Upgraded>,
    step: &'static str,
    terminal: bool,
) -> (Output, StdinSink) {
    let (stream, input) = tokio::io::split(stream);
    let output = Output {
        stream,
        buffer: BytesMut::new(),
        received: Bytes::new(),
        decoder: (!terminal).then(Decoder::default),
        step,
    };
    (output, Box::pin(input))
}

impl Output {
    /// The next piece; `None` at the end. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            let chunk = self.decode().map_err(|error| Error::Garbled {
                step: self.step.into(),
                reason: error.to_string(),
            })?;
            if chunk.is_some() {
                return Ok(chunk);
            }
            self.buffer.reserve(BUFFER);
            let read = match self.stream.read_buf(&mut self.buffer).await {
                // How a stream ends whose standard input nobody has read: all output has come before.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                read => read.map_err(|error| self.lost(error.to_string()))?,
            };
            if read == 0 {
                let whole = self.decoder.as_ref().map_or(Ok(()), Decoder::finish);
                whole.map_err(|_cut_off| self.lost("its output broke off".into()))?;
                return Ok(None);
            }
            self.received = self.buffer.split().freeze();
        }
    }

    fn decode(&mut self) -> Result<Option<Chunk>, FrameError> {
        let Some(decoder) = &mut self.decoder else {
            let data = std::mem::take(&mut self.received);
            let source = Source::Stdout;
            return Ok((!data.is_empty()).then_some(Chunk { source, data }));
        };
        decoder.next(&mut self.received)
    }

    fn lost(&self, reason: String) -> Error {
        Error::Unavailable {
            step: self.step.into(),
            reason,
        }
    }
}
