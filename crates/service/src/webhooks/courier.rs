//! Who carries messages to their receivers: what it is given, and what it tells.

use super::Reach;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A signed message on its way.
#[derive(Clone)]
pub struct Letter {
    /// Where it goes.
    pub url: Url,
    /// Where anything may go: to be asked about every address that the URL's name leads to.
    pub reach: Arc<Reach>,
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`: seconds since 1970.
    pub timestamp: i64,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The JSON.
    pub body: Bytes,
}

impl fmt::Debug for Letter {
    /// Not the URL, which may have a secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How a letter was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// With an answer.
    Answered {
        /// Its status.
        status: u16,
        /// When the receiver wants to be asked again, if it says so.
        retry_after: Option<Duration>,
    },
    /// Not at all, for this reason, which tells nothing about the server's network.
    Failed(&'static str),
}

/// Carries letters. Each call ends by itself, in bounded time.
#[async_trait]
pub trait Courier: fmt::Debug + Send + Sync {
    /// Carries one. Dropping it gives up.
    async fn deliver(&self, letter: Letter) -> Received;
}
