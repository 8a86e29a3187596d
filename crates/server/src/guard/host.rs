//! The name by which the server is asked for.

use crate::Settings;
use crate::refusal::Refusal;
use axum::extract::Request;
use axum::http::header::HOST;
use std::fmt;
use std::net::IpAddr;
use thiserror::Error;

/// Why a configured host is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is not a host name: write it like \"podlane.example.org\" or \"podlane.example.org:8080\""
)]
pub struct InvalidHost(String);

/// A name by which the server may be asked for; without a port, on any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule(Host);

impl HostRule {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        let wrong = || InvalidHost(text.chars().take(100).collect());
        Host::parse(text).map(Self).ok_or_else(wrong)
    }

    fn allows(&self, host: &Host) -> bool {
        self.0.name == host.name && self.0.port.is_none_or(|port| host.port == Some(port))
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A host as `Host` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: HostName,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostName {
    /// An IP address.
    Address(IpAddr),
    /// A DNS name in lower case, without the final dot.
    Name(String),
}

impl Host {
    /// The one host that a request names, in its `Host` header and, if it has one, in its target.
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let wrong = |message: &str| Refusal::Host {
            message: message.into(),
        };
        let mut headers = request.headers().get_all(HOST).iter();
        let (Some(value), None) = (headers.next(), headers.next()) else {
            return Err(wrong("exactly one Host header is required"));
        };
        let text = value.to_str().unwrap_or_default();
        let host = Self::parse(text).ok_or_else(|| wrong("the Host header names no host"))?;
        let target = request.uri().authority();
        if target.is_some_and(|target| Self::parse(target.as_str()).as_ref() != Some(&host)) {
            return Err(wrong(
                "the request's target names another host than its Host header",
            ));
        }
        Ok(host)
    }

    /// `name`, `name:port`, `1.2.3.4:port`, `[::1]:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let address = address.parse::<std::net::Ipv6Addr>().ok()?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':')?),
            };
            (HostName::Address(address.into()), port)
        } else {
            let (name, port) = match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            };
            (HostName::parse(name)?, port)
        };
        let port = match port {
            None => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some(Self { name, port })
    }

    /// Whether the server is to be asked for by this name.
    pub(super) fn is_ours(&self, settings: &Settings) -> bool {
        let loopback = match &self.name {
            HostName::Address(address) => address.is_loopback() || settings.beyond_loopback(),
            HostName::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        };
        loopback || settings.allowed_hosts.iter().any(|rule| rule.allows(self))
    }
}

impl HostName {
    fn parse(text: &str) -> Option<Self> {
        // Only the four-part form: others (`127.1`, `0x7f000001`) mean an address to some readers only.
        if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let last = text.rsplit('.').next().unwrap_or_default();
        let numeric = last.starts_with(|c: char| c.is_ascii_digit());
        (text.len() <= 253 && text.split('.').all(label) && !numeric)
            .then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            HostName::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            HostName::Address(address) => write!(f, "{address}"),
            HostName::Name(name) => f.write_str(name),
        }?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn ours(settings: &Settings, text: &str) -> bool {
        Host::parse(text).is_some_and(|host| host.is_ours(settings))
    }

    #[test]
    fn loopback_has_many_names() {
        let settings = Settings::default();
        for good in [
            "localhost",
            "LOCALHOST:5000",
            "localhost.",
            "api.localhost:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:5000",
            "[0:0:0:0:0:0:0:1]:5000",
        ] {
            assert!(ours(&settings, good), "{good}");
        }
        for bad in [
            "",
            ":5000",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil-localhost",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "::1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "localhost:80:80",
            "localhost:",
            "localhost:+80",
            "localhost:99999",
            "user@localhost",
            "localhost/",
            "localhost evil.example",
            "localhost,evil.example",
            "[::1%25lo]",
            "[::1]x",
        ] {
            assert!(!ours(&settings, bad), "{bad}");
        }
    }

    #[test]
    fn beyond_loopback_any_address_is_fine_but_no_name() {
        let settings = Settings {
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 5000))],
            allowed_hosts: vec![
                HostRule::parse("Box.example").expect("a host"),
                HostRule::parse("other.example:8080").expect("a host"),
            ],
            ..Settings::default()
        };
        for good in [
            "10.0.0.1:5000",
            "[fd00::1]:5000",
            "box.example",
            "box.example:1",
            "other.example:8080",
        ] {
            assert!(ours(&settings, good), "{good}");
        }
        for bad in [
            "evil.example",
            "other.example",
            "other.example:80",
            "x.box.example",
        ] {
            assert!(!ours(&settings, bad), "{bad}");
        }
        assert!(HostRule::parse("*").is_err());
        assert!(HostRule::parse("http://x").is_err());
    }
}
