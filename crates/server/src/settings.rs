//! What the server needs to know, checked by whoever made it.

use crate::guard::{HostRule, Origin};
use crate::rates::Rate;
use std::net::SocketAddr;
use std::time::Duration;

/// The bounds and the policy of the HTTP side.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens. If one of these is beyond loopback, requests may name the server by
    /// any IP address.
    pub listen: Vec<SocketAddr>,
    /// Names by which the server may be asked for, beside the loopback names.
    pub allowed_hosts: Vec<HostRule>,
    /// Web origins whose pages may use the API from a browser.
    pub cors_origins: Vec<Origin>,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of a request's line and headers.
    pub header_bytes: usize,
    /// How long a client may take for a request's headers; also how long a connection may idle.
    pub header_timeout: Duration,
    /// How long a client may be silent while its body is read, or take nothing of an answer.
    pub body_timeout: Duration,
    /// How many connections are served at once; more wait to be accepted.
    pub connections: usize,
    /// How often one caller may ask; as often as it likes if `None`.
    pub rate: Option<Rate>,
    /// How long a terminal may be open with nothing said on either side.
    pub terminal_idle: Duration,
    /// The time that one operation may take.
    pub request_timeout: Duration,
    /// How long requests under way may still take after the server was asked to stop.
    pub shutdown_grace: Duration,
}

impl Settings {
    /// Whether some other machine can reach a listener.
    pub(crate) fn beyond_loopback(&self) -> bool {
        self.listen
            .iter()
            .any(|address| !address.ip().is_loopback())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 5000))],
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            body_bytes: 16 * 1024 * 1024,
            header_bytes: 32 * 1024,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            connections: 1024,
            rate: None,
            terminal_idle: Duration::from_secs(3600),
            request_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}
