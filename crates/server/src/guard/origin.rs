//! Web origins.

use super::host::Host;
use axum::http::HeaderValue;
use std::fmt;
use thiserror::Error;

/// Why a configured origin is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is not a web origin: write it like \"https://console.example.org\" or \"http://localhost:3000\""
)]
pub struct InvalidOrigin(String);

/// A web origin: `http` or `https`, a host and, if it is not the scheme's own, a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    host: Host,
}

impl Origin {
    /// Checks an origin. `null` and `*` are none: they name nobody.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let wrong = || InvalidOrigin(text.chars().take(100).collect());
        let lower = text.to_ascii_lowercase();
        let (secure, rest) = if let Some(rest) = lower.strip_prefix("https://") {
            (true, rest)
        } else {
            (false, lower.strip_prefix("http://").ok_or_else(wrong)?)
        };
        let mut host = Host::parse(rest).ok_or_else(wrong)?;
        host.port = Some(host.port.unwrap_or(if secure { 443 } else { 80 }));
        Ok(Self { secure, host })
    }

    /// Whether pages of this origin came from `host`: from here, or from a TLS proxy before us.
    pub(super) fn is_of(&self, host: &Host) -> bool {
        let port = host.port.unwrap_or(if self.secure { 443 } else { 80 });
        self.host.name == host.name && self.host.port == Some(port)
    }

    /// As browsers write it.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.to_string()).ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.secure {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let mut host = self.host.clone();
        host.port = host.port.filter(|port| *port != usual);
        write!(f, "{scheme}://{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_origin_is_same_name_and_port() {
        let host = |text| Host::parse(text).expect("a host");
        let of = |origin: &str, text| Origin::parse(origin).expect("an origin").is_of(&host(text));
        assert!(of("http://localhost:5000", "localhost:5000"));
        assert!(of("http://LOCALHOST:5000", "localhost:5000"));
        assert!(of("http://localhost", "localhost:80"));
        assert!(of("https://box.example", "box.example"));
        assert!(of("http://[::1]:5000", "[::1]:5000"));
        assert!(!of("http://localhost:3000", "localhost:5000"));
        assert!(!of("http://127.0.0.1:5000", "localhost:5000"));
        assert!(!of("http://localhost", "localhost:5000"));
        for bad in [
            "null",
            "*",
            "",
            "ftp://x",
            "http://",
            "http://x/",
            "http://u@x",
            "file://",
            "http://x y",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_written_as_browsers_do() {
        let written = |text| {
            Origin::parse(text)
                .expect("an origin")
                .header()
                .expect("a header")
        };
        assert_eq!(written("https://a.example:443"), "https://a.example");
        assert_eq!(written("http://a.example:3000"), "http://a.example:3000");
    }
}
