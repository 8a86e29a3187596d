//! Carries webhooks' messages over HTTP/1.1 and HTTPS.
//!
//! The name in a URL is resolved once, every address that it leads to is looked at, and the connection goes to
//! one of these: nobody can answer something else the second time. No redirect is followed and no proxy used.
//! Of an answer only the head is read.

mod connect;
mod exchange;
mod trust;

use async_trait::async_trait;
use podlane_service::{Courier, Letter, Received};
use std::time::Duration;
use tokio::time::timeout;
use trust::Trust;

/// The time for finding a receiver and reaching it, TLS included.
const CONNECTING: Duration = Duration::from_secs(5);
/// The time for all of it, the head of the answer included.
const ALL: Duration = Duration::from_secs(15);

/// Carries each message on a connection of its own.
#[derive(Debug, Default)]
pub struct HttpCourier {
    trust: Trust,
    names: connect::Names,
}

impl HttpCourier {
    /// One that trusts the authorities of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    async fn carry(&self, letter: &Letter) -> Result<Received, &'static str> {
        let connecting = connect::connect(letter, &self.names, &self.trust);
        let connection = timeout(CONNECTING, connecting)
            .await
            .map_err(|_| "it could not be reached in time")??;
        exchange::exchange(letter, connection).await
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn deliver(&self, letter: Letter) -> Received {
        match timeout(ALL, self.carry(&letter)).await {
            Ok(Ok(received)) => received,
            Ok(Err(why)) => Received::Failed(why),
            Err(_) => Received::Failed("it did not answer in time"),
        }
    }
}

#[cfg(test)]
mod tests;
