//! Logs of a container's main process.

use crate::{Chunk, Result, Source};
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
}

/// A log as it is read.
pub type LogStream = BoxStream<'static, Result<Chunk>>;
