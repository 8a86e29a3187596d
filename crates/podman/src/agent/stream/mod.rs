//! An agent at the other end of one stream through the engine: commands share it, each on a channel.
//!
//! How channels, credit and the frames work stands in [`podlane_agent::mux`].

mod channel;
mod incoming;
mod line;

pub(super) use channel::{Channel, Output};

use bytes::BytesMut;
use incoming::Incoming;
use line::Line;
use podlane_agent::mux::{Frame, Part, WINDOW};
use podlane_agent::{Malformed, Request};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// With so much waiting to be sent, what can be left out is: the input of sixteen commands.
const ENOUGH: usize = 16 * WINDOW;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stream to an agent. Dropping it ends the agent, and so all that runs there.
#[derive(Debug)]
pub(super) struct Mux(Arc<Shared>);

/// What the stream's task and the channels share.
#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines>,
    out: Arc<Out>,
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Lines {
    open: HashMap<u32, Arc<Line>>,
    last: u32,
}

/// What waits to be sent. It is bounded by the credit for input, and by one command a channel.
#[derive(Debug, Default)]
struct Out {
    waiting: Mutex<BytesMut>,
    wake: Notify,
}

impl Mux {
    /// Waits for the hello of an agent, and for nothing else.
    pub(super) async fn greet<S>(stream: S) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read, write) = tokio::io::split(stream);
        let mut incoming = Incoming::new(read);
        incoming.hello().await?;
        let shared = Arc::new(Shared {
            lines: Mutex::default(),
            out: Arc::default(),
            over: CancellationToken::new(),
        });
        let carried = Arc::clone(&shared);
        tokio::spawn(async move {
            let ended = tokio::select! {
                () = carried.over.cancelled() => Ok(()),
                ended = carried.receive(incoming) => ended,
                ended = carried.out.send(write) => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "the stream to an agent ended");
            }
            carried.over.cancel();
            for line in lock(&carried.lines).open.values() {
                line.lose();
            }
        });
        Ok(Self(shared))
    }

    /// Waits until the agent has gone. Cancel safe.
    pub(super) async fn gone(&self) {
        self.0.over.cancelled().await;
    }

    /// A new worker.
    pub(super) fn open(&self) -> io::Result<Channel> {
        let mut lines = lock(&self.0.lines);
        // The task loses those that it finds here.
        if self.0.over.is_cancelled() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let next = lines.last.checked_add(1);
        let id = next.ok_or_else(|| io::Error::other("there were too many channels"))?;
        lines.last = id;
        let line = Arc::new(Line::new(id, Arc::clone(&self.0.out)));
        lines.open.insert(id, Arc::clone(&line));
        line.request(&Request::Fork);
        Ok(Channel::new(line, Arc::clone(&self.0)))
    }
}

impl Drop for Mux {
    fn drop(&mut self) {
        self.0.over.cancel();
    }
}

impl Shared {
    async fn receive(&self, mut incoming: Incoming<impl AsyncRead + Unpin>) -> io::Result<()> {
        loop {
            while let Some(frame) = incoming.next().map_err(io::Error::other)? {
                self.take(&frame).map_err(io::Error::other)?;
            }
            incoming.read().await?;
        }
    }

    fn take(&self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let mut lines = lock(&self.lines);
        let line = lines.open.get(&frame.channel);
        let line = line.ok_or(Malformed::UNKNOWN_CHANNEL)?;
        if frame.part != Part::Close {
            return line.take(&frame.part);
        }
        line.lose();
        if line.is_given_up() {
            lines.open.remove(&frame.channel);
        }
        Ok(())
    }

    /// Nobody is interested in a channel any more: its command is ended.
    fn close(&self, line: &Line) {
        let mut lines = lock(&self.lines);
        if line.give_up() {
            lines.open.remove(&line.id);
        }
    }
}

impl Out {
    fn push(&self, frame: &Frame<'_>) {
        lock(&self.waiting).extend_from_slice(&frame.encode());
        self.wake.notify_one();
    }

    fn is_full(&self) -> bool {
        lock(&self.waiting).len() > ENOUGH
    }

    async fn send(&self, mut stream: impl AsyncWrite + Unpin) -> io::Result<()> {
        loop {
            let bytes = lock(&self.waiting).split();
            if bytes.is_empty() {
                self.wake.notified().await;
            } else {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
