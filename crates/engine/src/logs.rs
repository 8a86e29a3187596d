//! Logs of a container's main process.

use crate::{Result, Source};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::time::SystemTime;

/// What of a container's log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// The last so many lines of the rest are enough; `None` for all. An engine may answer with more
    /// (one that can't cut cheaply does), never with fewer.
    pub tail: Option<u64>,
    /// Only what was written after this time.
    pub since: Option<SystemTime>,
    /// Only what was written until this time.
    pub until: Option<SystemTime>,
    /// Only what was written to this output.
    pub only: Option<Source>,
    /// Whether what is written from now on comes too, until the container ends.
    pub follow: bool,
    /// Whether each piece says when it was written. The pieces are the same with and without.
    pub times: bool,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// The output that it was written to.
    pub source: Source,
    /// When it was written, as exactly as the engine knows; `None` unless that was asked for.
    pub time: Option<SystemTime>,
    /// Its bytes; never empty.
    pub data: Bytes,
}

/// A log as it is read.
pub type LogStream = BoxStream<'static, Result<LogPiece>>;
