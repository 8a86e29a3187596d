//! Commands over a WebSocket, whatever the subprotocol.
//!
//! A session joins a WebSocket and a terminal: `session` moves what is said from one to the other and
//! knows when it is over; a protocol says what messages mean (`channels`, `messages`, and here the
//! plain one, which is nothing but bytes).

mod channels;
mod handshake;
mod messages;
mod pulse;
mod session;

pub(crate) use handshake::Handshake;
pub(crate) use session::{Opening, Session};

use crate::error::Error;
use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use messages::Writer;
use podlane_engine::{Chunk, ExecPath, Signal, Source, TerminalSize};
use podlane_service::Ended;
use std::time::Duration;

/// Bytes of one message of a client.
pub(crate) const MESSAGE: usize = 1 << 20;

/// What a client wants to see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Somebody sits there, and nothing ends by itself: a stopping server does not wait for an end.
    pub(crate) interactive: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl View {
    fn shows(self, source: Source) -> bool {
        match source {
            Source::Stdout => self.stdout,
            Source::Stderr => self.stderr,
        }
    }
}

/// How a WebSocket's messages are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As Kubernetes does: the first byte is a channel. Version 5 can close one of them.
    Channels { closes: bool },
    /// JSON both ways.
    Messages,
    /// Bytes both ways, as terminals in web pages have it.
    Plain,
}

impl Protocol {
    /// The subprotocols, the preferred one first.
    pub(crate) const NAMES: [&str; 3] =
        ["v5.channel.k8s.io", "v4.channel.k8s.io", "podlane.v1.json"];

    /// Whether Kubernetes' clients speak it.
    pub(crate) fn is_kubernetes(self) -> bool {
        matches!(self, Self::Channels { .. })
    }

    fn of(selected: Option<&str>) -> Self {
        match selected {
            Some("v5.channel.k8s.io") => Self::Channels { closes: true },
            Some("v4.channel.k8s.io") => Self::Channels { closes: false },
            Some(_) => Self::Messages,
            None => Self::Plain,
        }
    }

    /// What a message of the client asks for.
    fn read(self, message: Message) -> Result<Input, Misuse> {
        let bytes = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) if self == Self::Messages => {
                drop(bytes);
                return Err(Misuse::new(1003, "messages are JSON in text frames"));
            }
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(Input::Nothing),
        };
        if bytes.len() > MESSAGE {
            return Err(Misuse::new(1009, "a message is at most 1048576 bytes"));
        }
        match self {
            Self::Channels { closes } => channels::read(bytes, closes),
            Self::Messages => messages::read(&bytes),
            Self::Plain => Ok(Input::Stdin(bytes)),
        }
    }
}

/// What a client asks for.
#[derive(Debug, PartialEq)]
enum Input {
    Stdin(Bytes),
    CloseStdin,
    Resize(TerminalSize),
    Signal(Signal),
    Start(Start),
    /// What can't be done: the client is told, and goes on.
    Wrong(Refusal),
    Nothing,
}

/// What the first message of a client may say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Start {
    pub(crate) environment: Option<podlane_api::Environment>,
    pub(crate) columns: Option<u16>,
    pub(crate) rows: Option<u16>,
}

/// A client does not keep to the protocol.
#[derive(Debug, PartialEq, Eq)]
struct Misuse {
    /// The close code.
    code: u16,
    message: &'static str,
}

impl Misuse {
    const fn new(code: u16, message: &'static str) -> Self {
        Self { code, message }
    }
}

/// How a session came to its end.
#[derive(Debug)]
enum Finish {
    /// The command has ended.
    Ended(Ended),
    /// It, or its engine, failed.
    Failed(Error),
    /// Nothing was said for so long.
    Idle(Duration),
    /// The server stops.
    Stopping,
    Misused(Misuse),
    /// Nobody is there any more.
    Gone,
}

impl Finish {
    /// In a word, for the log.
    fn word(&self) -> &'static str {
        match self {
            Self::Ended(_) => "ended",
            Self::Failed(_) => "failed",
            Self::Idle(_) => "idle",
            Self::Stopping => "stopping",
            Self::Misused(_) => "misused",
            Self::Gone => "gone",
        }
    }

    /// What is to be said of it, unless the command has ended.
    fn message(&self) -> String {
        match self {
            Self::Ended(ended) => format!("exit code {}", ended.exit.code),
            Self::Failed(error) => error.answer().message,
            Self::Idle(limit) => {
                format!("nothing was said for {} seconds", limit.as_secs_f64())
            }
            Self::Stopping => "the server is stopping".into(),
            Self::Misused(misuse) => misuse.message.into(),
            Self::Gone => "the client is gone".into(),
        }
    }

    /// The close code that says it.
    fn code(&self, protocol: Protocol) -> u16 {
        match self {
            // A plain stream has no other place for the exit code.
            Self::Ended(ended) if protocol == Protocol::Plain && ended.exit.code != 0 => {
                u16::try_from(ended.exit.code & 0xff).map_or(4000, |code| 4000 + code)
            }
            Self::Ended(_) => 1000,
            Self::Failed(_) => 1011,
            Self::Idle(_) => 4408,
            Self::Stopping | Self::Gone => 1001,
            Self::Misused(misuse) => misuse.code,
        }
    }

    fn close(&self, protocol: Protocol) -> Message {
        let mut reason = self.message();
        // A close frame has room for 123 bytes.
        let end = (0..=reason.len().min(123)).rev();
        let end = end.into_iter().find(|end| reason.is_char_boundary(*end));
        reason.truncate(end.unwrap_or_default());
        Message::Close(Some(CloseFrame {
            code: self.code(protocol),
            reason: Utf8Bytes::from(reason),
        }))
    }
}

/// Writes what happens as messages of a protocol.
#[derive(Debug)]
enum Voice {
    Channels,
    Messages(Writer),
    Plain,
}

impl Voice {
    fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Channels { .. } => Self::Channels,
            Protocol::Messages => Self::Messages(Writer::default()),
            Protocol::Plain => Self::Plain,
        }
    }

    /// What is said first.
    fn started(&self, path: ExecPath) -> Option<Message> {
        match self {
            Self::Channels => Some(channels::greeting()),
            Self::Messages(_) => Some(messages::started(path)),
            Self::Plain => None,
        }
    }

    fn output(&mut self, chunk: Chunk) -> Option<Message> {
        match self {
            Self::Channels => Some(channels::output(&chunk)),
            Self::Messages(writer) => writer.output(&chunk),
            Self::Plain => Some(Message::Binary(chunk.data)),
        }
    }

    /// What could not be done, where the protocol has a word for it.
    fn trouble(&self, error: &Error) -> Option<Message> {
        match self {
            Self::Messages(_) => Some(messages::failed(error)),
            Self::Channels | Self::Plain => None,
        }
    }

    /// What is said last, before the connection is closed.
    fn last(&mut self, finish: &Finish) -> Vec<Message> {
        match self {
            Self::Channels => vec![channels::status(finish)],
            Self::Messages(writer) => writer.last(finish),
            Self::Plain => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
