//! The circumstances of one request, handed down with every engine call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The identity of a request in logs, answers and at the engine.
///
/// At most 64 characters of `A-Z a-z 0-9 . _ -`, so that it can stand in a header and a log line as is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest request ID, in bytes.
    pub const MAX: usize = 64;

    /// Takes a caller's ID if it has only characters that are harmless everywhere.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX;
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        (fits && plain).then(|| Self(text.into()))
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One request on its way through service and engine.
#[derive(Debug, Clone)]
pub struct Call {
    /// The request's identity, forwarded to the engine.
    pub request_id: RequestId,
    /// When the engine's work on this request must have ended.
    pub deadline: Instant,
    /// The time that the caller was granted in all; for messages.
    pub limit: Duration,
}

impl Call {
    /// A call that must end within `limit` from now.
    pub fn new(request_id: RequestId, limit: Duration) -> Self {
        Self {
            request_id,
            deadline: Instant::now() + limit,
            limit,
        }
    }

    /// The same request with a fresh time limit: for cleaning up after the first one has passed.
    #[must_use]
    pub fn extended(&self, limit: Duration) -> Self {
        Self::new(self.request_id.clone(), limit)
    }

    /// How much time is left; zero past the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
