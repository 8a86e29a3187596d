//! Many commands over one stream of bytes, where no descriptors can be handed over.
//!
//! A channel stands for a worker's socket. The server opens it by [`crate::Request::Fork`] and closes it
//! with [`Part::Close`]; the agent closes it when its worker has ended. It is gone once both have. On it
//! one command at a time is run; what it reads and writes comes as [`Part::Data`], never more of a stream
//! than its reader has given credit for: [`WINDOW`] at the start, and what it has taken since.
//!
//! A container may be frozen while commands are on their way to it, and those are given up then. They must
//! not start when it goes on. What is short, and all that follows it, is in the agent's pipe by then; of
//! what may not have been, the agent asks whether it is still wanted ([`Part::Go`]).
//!
//! Channel 0 has no worker: on it the agent says hello.

use crate::frame::{Fields, MAX_REPLY, MAX_REQUEST, Malformed, Writer};

/// What may be under way of one stream.
pub const WINDOW: usize = 256 << 10;
/// Credit is given back in pieces of this size.
pub const CREDIT: usize = WINDOW / 4;
/// The most data in one frame.
pub const MAX_DATA: usize = 16 << 10;
/// The longest frame to the agent.
pub const MAX_TO_AGENT: usize = MAX_REQUEST + OVERHEAD;
/// The longest frame from the agent.
pub const MAX_FROM_AGENT: usize = MAX_REPLY + OVERHEAD;

/// More than what is around a message.
const OVERHEAD: usize = 16;
/// The last byte of each frame. Whoever carries a stream may hold a lone byte back, if it is one that
/// could begin the keys to detach from a terminal, until another follows; this one is never held back.
const END: u8 = 0;

/// A frame of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whose it is.
    pub channel: u32,
    /// What it says.
    pub part: Part<'a>,
}

/// What a frame says.
#[derive(Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// The body of a request or a reply.
    Message(&'a [u8]),
    /// What was written to a stream.
    Data(Stream, &'a [u8]),
    /// Nothing more is written to standard input; from the agent: nobody reads it any more.
    End,
    /// So many bytes of a stream have been taken.
    Credit(Stream, u32),
    /// From the agent: a command has come late, or may have; is it still to be started? From the server: it
    /// is.
    Go,
    /// Nothing more comes on this channel from this side.
    Close,
}

/// A command's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard input.
    Stdin,
    /// Standard output; all output of a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

mod kind {
    pub(super) const MESSAGE: u8 = 129;
    pub(super) const DATA: u8 = 130;
    pub(super) const END: u8 = 131;
    pub(super) const CREDIT: u8 = 132;
    pub(super) const CLOSE: u8 = 133;
    pub(super) const GO: u8 = 134;
}

impl std::fmt::Debug for Part<'_> {
    /// Shows no data: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(_) => f.write_str("Message(..)"),
            Self::Data(stream, data) => write!(f, "Data({stream:?}, {} bytes)", data.len()),
            Self::End => f.write_str("End"),
            Self::Credit(stream, bytes) => write!(f, "Credit({stream:?}, {bytes})"),
            Self::Go => f.write_str("Go"),
            Self::Close => f.write_str("Close"),
        }
    }
}

impl<'a> Frame<'a> {
    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        let writer = |kind| Writer::new(kind).u32(self.channel);
        match self.part {
            Part::Message(body) => writer(kind::MESSAGE).bytes(body),
            Part::Data(stream, data) => writer(kind::DATA).u8(stream.number()).bytes(data),
            Part::End => writer(kind::END),
            Part::Credit(stream, bytes) => writer(kind::CREDIT).u8(stream.number()).u32(bytes),
            Part::Go => writer(kind::GO),
            Part::Close => writer(kind::CLOSE),
        }
        .u8(END)
        .finish()
    }

    /// Reads the body of a frame.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(body);
        let (kind, channel) = (fields.u8()?, fields.u32()?);
        let part = match kind {
            kind::MESSAGE => Part::Message(fields.bytes()?),
            kind::DATA => Part::Data(Stream::read(&mut fields)?, fields.bytes()?),
            kind::END => Part::End,
            kind::CREDIT => Part::Credit(Stream::read(&mut fields)?, fields.u32()?),
            kind::GO => Part::Go,
            kind::CLOSE => Part::Close,
            _ => return Err(Malformed("its kind is unknown")),
        };
        if fields.u8()? != END {
            return Err(Malformed("it does not end where it should"));
        }
        fields.end().map(|()| Self { channel, part })
    }
}

impl Stream {
    fn number(self) -> u8 {
        match self {
            Self::Stdin => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        match fields.u8()? {
            0 => Ok(Self::Stdin),
            1 => Ok(Self::Stdout),
            2 => Ok(Self::Stderr),
            _ => Err(Malformed("there is no such stream")),
        }
    }
}

/// How much of a stream may still be sent, or may still come.
#[derive(Debug, Default)]
pub struct Credit(usize);

impl Credit {
    /// For a stream that begins.
    pub fn whole() -> Self {
        Self(WINDOW)
    }

    /// What is left.
    pub fn left(&self) -> usize {
        self.0
    }

    /// Uses it for data that goes or comes.
    pub fn spend(&mut self, bytes: usize) -> Result<(), Malformed> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or(Malformed("it is more than there is credit for"))?;
        Ok(())
    }

    /// Takes what is given back.
    pub fn add(&mut self, bytes: u32) -> Result<(), Malformed> {
        let sum = usize::try_from(bytes).ok().map(|bytes| self.0 + bytes);
        self.0 = sum
            .filter(|sum| *sum <= WINDOW)
            .ok_or(Malformed("it gives back more credit than was spent"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
