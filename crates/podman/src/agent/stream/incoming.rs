//! What comes from an agent: its frames inside those of the engine.

use crate::FrameDecoder;
use bytes::BytesMut;
use podlane_agent::mux::{Frame, MAX_FROM_AGENT, Part};
use podlane_agent::{Decoder, Malformed, Reply, VERSION};
use podlane_engine::Source;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at once.
const BUFFER: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Incoming<R> {
    stream: R,
    buffer: BytesMut,
    outer: FrameDecoder,
    decoder: Decoder,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            outer: FrameDecoder::default(),
            decoder: Decoder::new(MAX_FROM_AGENT),
        }
    }

    /// Reads more. What comes on standard error is the engine's, and left out. Cancel safe.
    pub(super) async fn read(&mut self) -> io::Result<()> {
        self.buffer.reserve(BUFFER);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut received = self.buffer.split().freeze();
        while let Some(chunk) = self.outer.next(&mut received).map_err(io::Error::other)? {
            if chunk.source == Source::Stdout {
                self.decoder.push(&chunk.data);
            }
        }
        Ok(())
    }

    /// The next frame that has come whole.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, Malformed> {
        self.decoder.next_frame()?.map(Frame::decode).transpose()
    }

    /// Waits for the hello.
    pub(super) async fn hello(&mut self) -> io::Result<()> {
        let hello = Reply::Hello { version: VERSION };
        loop {
            self.read().await?;
            match self.next().map_err(io::Error::other)? {
                None => {}
                Some(Frame {
                    channel: 0,
                    part: Part::Message(body),
                }) if Reply::decode(body) == Ok(hello) => return Ok(()),
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}
