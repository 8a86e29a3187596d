//! Logs of a container's main process.

use crate::{Chunk, Result};
use futures_util::stream::BoxStream;

/// What of a container's log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// The last so many lines are enough; `None` for all. An engine may answer with more (one that
    /// can't cut cheaply does), never with fewer.
    pub tail: Option<u64>,
}

/// A log as it is read.
pub type LogStream = BoxStream<'static, Result<Chunk>>;
