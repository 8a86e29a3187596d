//! A channel as its owner has it: a worker, and the streams of its command.

use super::Shared;
use super::line::Line;
use bytes::Bytes;
use podlane_agent::mux::Stream;
use podlane_agent::{Reply, Request};
use podlane_engine::{Source, StdinSink};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// A worker. Dropping it ends what it runs.
#[derive(Debug)]
pub(in crate::agent) struct Channel {
    line: Arc<Line>,
    shared: Arc<Shared>,
}

impl Channel {
    pub(super) fn new(line: Arc<Line>, shared: Arc<Shared>) -> Self {
        Self { line, shared }
    }

    /// The streams of a command that is to be sent next.
    pub(in crate::agent) fn streams(&self, stdin: bool) -> (Option<StdinSink>, [Output; 2]) {
        let run = self.line.begin(stdin);
        let input = || {
            let line = Arc::clone(&self.line);
            Box::pin(Input { line, run }) as StdinSink
        };
        let output = |source| Output {
            line: Arc::clone(&self.line),
            stream: match source {
                Source::Stdout => Stream::Stdout,
                Source::Stderr => Stream::Stderr,
            },
        };
        let outputs = [output(Source::Stdout), output(Source::Stderr)];
        (stdin.then(input), outputs)
    }

    /// Sends a command.
    pub(in crate::agent) fn send(&self, request: &Request) -> io::Result<()> {
        if self.line.is_lost() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.line.request(request);
        Ok(())
    }

    /// Sends a short request, unless much waits already. An end is always sent.
    pub(in crate::agent) fn send_now(&self, request: &Request) -> io::Result<()> {
        if self.line.is_stuck() && !matches!(request, Request::Terminate { .. }) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.send(request)
    }

    /// Waits until something may have come. Cancel safe.
    pub(in crate::agent) async fn readable(&self) {
        let arrived = || self.line.has_replies() || self.line.is_lost();
        wait(&self.line, arrived).await;
    }

    /// Takes what has come. `UnexpectedEof` once the worker has gone.
    pub(in crate::agent) fn receive(&self, mut each: impl FnMut(Reply)) -> io::Result<()> {
        // Looked at first: nothing comes after that.
        let lost = self.line.is_lost();
        while let Some(reply) = self.line.next_reply() {
            each(reply);
        }
        if lost {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.shared.close(&self.line);
    }
}

async fn wait(line: &Line, arrived: impl Fn() -> bool) {
    loop {
        let changed = line.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if arrived() {
            return;
        }
        changed.await;
    }
}

/// What a command writes.
#[derive(Debug)]
pub(in crate::agent) struct Output {
    line: Arc<Line>,
    stream: Stream,
}

impl Output {
    /// Waits until there is something to read. Cancel safe.
    pub(in crate::agent) async fn readable(&self) {
        wait(&self.line, || self.line.has_output(self.stream)).await;
    }

    /// Reads what has come; `None` if nothing has.
    pub(in crate::agent) fn read(&mut self) -> Option<Bytes> {
        self.line.read(self.stream)
    }
}

/// What a command reads.
struct Input {
    line: Arc<Line>,
    run: u64,
}

impl AsyncWrite for Input {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.poll_write(self.run, cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.end_input(self.run);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.line.end_input(self.run);
    }
}
