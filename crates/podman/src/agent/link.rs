//! The two ways to an agent, behind one face: descriptors handed over, and one stream.

use super::pipes;
use super::socket::Socket;
use super::stream::{self, Channel, Mux};
use bytes::Bytes;
use podlane_agent::{Reply, Request, Run};
use podlane_engine::{ExecPath, Source, StdinSink};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The connection to an agent.
#[derive(Debug)]
pub(super) enum Link {
    /// Every command gets pipes of its own.
    Descriptors(Socket),
    /// All commands share it.
    Stream(Mux),
}

/// The connection to a worker. Dropping it ends what the worker runs.
#[derive(Debug)]
pub(super) enum Worker {
    Socket(Socket),
    Channel(Channel),
}

/// What a command writes.
#[derive(Debug)]
pub(super) enum Output {
    Pipe(pipes::Output),
    Channel(stream::Output),
}

/// Our ends of a command's streams.
pub(super) struct Streams {
    pub(super) stdin: Option<StdinSink>,
    pub(super) outputs: Vec<(Source, Output)>,
    /// The ends to hand over.
    pub(super) theirs: Vec<OwnedFd>,
}

impl Link {
    pub(super) fn path(&self) -> ExecPath {
        match self {
            Self::Descriptors(_) => ExecPath::Fd,
            Self::Stream(_) => ExecPath::Stream,
        }
    }

    /// A new worker.
    pub(super) async fn worker(&self) -> io::Result<Worker> {
        match self {
            Self::Descriptors(control) => {
                let (ours, theirs) = Socket::pair()?;
                control.send(&Request::Fork, &[theirs.as_fd()]).await?;
                Ok(Worker::Socket(ours))
            }
            Self::Stream(mux) => mux.open().map(Worker::Channel),
        }
    }

    /// Waits until the agent has gone. Cancel safe.
    pub(super) async fn gone(&self) {
        match self {
            Self::Stream(mux) => mux.gone().await,
            Self::Descriptors(control) => {
                // It has nothing more to say after its hello.
                let mut spoke = false;
                while control.readable().await.is_ok()
                    && control.receive(|_| spoke = true).is_ok()
                    && !spoke
                {}
            }
        }
    }
}

impl Worker {
    /// Makes the streams of a command that is to be sent next.
    pub(super) fn streams(&self, run: &Run) -> io::Result<Streams> {
        let mut streams = Streams {
            stdin: None,
            outputs: Vec::new(),
            theirs: Vec::new(),
        };
        let sources = if run.has_stderr() {
            &[Source::Stdout, Source::Stderr][..]
        } else {
            &[Source::Stdout]
        };
        match self {
            Self::Socket(_) => {
                if run.stdin {
                    let (ours, theirs) = pipes::input()?;
                    streams.stdin = Some(Box::pin(ours));
                    streams.theirs.push(theirs);
                }
                for source in sources {
                    let (ours, theirs) = pipes::output()?;
                    streams.outputs.push((*source, Output::Pipe(ours)));
                    streams.theirs.push(theirs);
                }
            }
            Self::Channel(channel) => {
                let (stdin, outputs) = channel.streams(run.stdin);
                streams.stdin = stdin;
                let outputs = outputs.into_iter().map(Output::Channel);
                streams.outputs = sources.iter().copied().zip(outputs).collect();
            }
        }
        Ok(streams)
    }

    /// Sends a command, with the other ends of its streams.
    pub(super) async fn send(&self, request: &Request, theirs: &[OwnedFd]) -> io::Result<()> {
        match self {
            Self::Socket(socket) => {
                let beside: Vec<BorrowedFd<'_>> = theirs.iter().map(AsFd::as_fd).collect();
                socket.send(request, &beside).await
            }
            Self::Channel(channel) => channel.send(request),
        }
    }

    /// Sends a short request at once, or fails.
    pub(super) fn send_now(&self, request: &Request) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.send_now(request),
            Self::Channel(channel) => channel.send_now(request),
        }
    }

    /// Waits until something may have come. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.readable().await,
            Self::Channel(channel) => {
                channel.readable().await;
                Ok(())
            }
        }
    }

    /// Takes what has come. `UnexpectedEof` once the worker has gone.
    pub(super) fn receive(&self, each: impl FnMut(Reply)) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.receive(each),
            Self::Channel(channel) => channel.receive(each),
        }
    }

    /// Whether the worker has gone, as far as is known now. Nothing may be waiting to be received.
    pub(super) fn is_closed(&self) -> bool {
        self.receive(|_| {}).is_err()
    }
}

impl Output {
    /// Waits until there may be something to read; for ever if nothing will come. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Pipe(output) => output.readable().await,
            Self::Channel(output) => {
                output.readable().await;
                Ok(())
            }
        }
    }

    /// Reads what is there; `None` if nothing is.
    pub(super) fn read(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Pipe(output) => output.read(),
            Self::Channel(output) => Ok(output.read()),
        }
    }

    /// The command has ended: only what it has written by now is its own.
    pub(super) fn ended(&mut self) {
        match self {
            Self::Pipe(output) => output.ended(),
            // What came before the news of its end is all there is.
            Self::Channel(_) => {}
        }
    }
}
