//! Where a process's output goes and where its input comes from.

use crate::fake::answer::frame;
use crate::fake::inside::Inside;
use crate::fake::node::Who;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Where output goes.
#[derive(Debug, Clone)]
pub(in crate::fake) enum Sink {
    /// Nowhere.
    Null,
    /// The container's log, as stream 1 or 2.
    Log(Arc<Inside>, u8),
    /// An attached client, as frames of stream 1 or 2; of a terminal there are no frames.
    Client {
        stream: u8,
        terminal: bool,
        to: mpsc::Sender<Bytes>,
    },
    /// The next process of a pipeline.
    Pipe(mpsc::Sender<Bytes>),
    /// A command substitution.
    Buffer(Arc<Mutex<Vec<u8>>>),
    /// A file, already emptied or made; written at its end.
    File(Arc<Inside>, String, Who),
}

impl Sink {
    /// Writes, and waits while the reader is slow. False if nobody reads any more, which is SIGPIPE
    /// to the writer. A client that left is not noticed, as conmon goes on reading in its place.
    pub(super) async fn write(&self, data: impl Into<Bytes>) -> bool {
        let data = data.into();
        if data.is_empty() {
            return true;
        }
        match self {
            Self::Null => {}
            Self::Log(inside, stream) => inside.log.write(*stream, &data),
            Self::Client {
                stream,
                terminal,
                to,
            } => {
                let piece = if *terminal {
                    carriage_returns(&data)
                } else {
                    frame(*stream, &data)
                };
                let _nobody_left = to.send(piece).await;
            }
            Self::Pipe(to) => return to.send(data).await.is_ok(),
            Self::Buffer(buffer) => {
                let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
                buffer.extend_from_slice(&data);
            }
            Self::File(inside, path, who) => {
                return inside.tree().write(path, &data, true, *who).is_ok();
            }
        }
        true
    }
}

fn carriage_returns(data: &[u8]) -> Bytes {
    let lines = data.split(|byte| *byte == b'\n');
    lines.collect::<Vec<_>>().join(&b"\r\n"[..]).into()
}

/// Where input comes from.
#[derive(Debug, Clone)]
pub(in crate::fake) enum Stdin {
    /// Nothing: the end of file at once.
    Empty,
    /// A client or the process before in a pipeline.
    Channel(Arc<tokio::sync::Mutex<mpsc::Receiver<Bytes>>>),
    /// A file's content, read once.
    Content(Arc<Mutex<Option<Bytes>>>),
}

impl Stdin {
    pub(in crate::fake) fn channel(from: mpsc::Receiver<Bytes>) -> Self {
        Self::Channel(Arc::new(tokio::sync::Mutex::new(from)))
    }

    pub(super) fn content(data: Bytes) -> Self {
        Self::Content(Arc::new(Mutex::new(Some(data))))
    }

    /// The next piece, none at the end.
    pub(super) async fn next(&self) -> Option<Bytes> {
        match self {
            Self::Empty => None,
            Self::Channel(from) => from.lock().await.recv().await,
            Self::Content(data) => data.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }
}
