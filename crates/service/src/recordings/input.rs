//! A way to a command's input on which is written down what the command takes.

use super::Recorder;
use podlane_engine::StdinSink;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

pub(super) struct RecordedInput {
    pub(super) sink: StdinSink,
    pub(super) recorder: Recorder,
}

impl AsyncWrite for RecordedInput {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(self.sink.as_mut().poll_write(cx, data))?;
        self.recorder.input(&data[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.as_mut().poll_shutdown(cx)
    }
}
