//! Where messages may go. The server stands in its operator's network, and whoever makes a webhook may not: so
//! only to public addresses over HTTPS, and elsewhere where the operator says so.

use crate::network;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

/// What is not public. Source: the IANA's registries of special-purpose addresses, and multicast.
const RESERVED: [&str; 20] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Of IPv6, what is outside 2000::/3 is not public either. In it are ways to IPv4, benchmarks and documentation:
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
];

/// Somewhere that messages may go although it is not public, and without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A host by name, wherever that leads.
    Name(String),
    /// Addresses, whatever they are called.
    Network(IpNet),
}

impl Allowed {
    /// A host name, an address or a network; names and addresses with a port if only that one is meant.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(network) = network(text) {
            let (place, port) = (Place::Network(network), None);
            return Some(Self { place, port });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            let place = Place::Network(address.ip().into());
            let port = Some(address.port());
            return Some(Self { place, port });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (text, None),
        };
        match Host::parse(name).ok()? {
            Host::Domain(name) if name.bytes().all(is_plain) => {
                let place = Place::Name(plain(&name).to_owned());
                Some(Self { place, port })
            }
            _ => None,
        }
    }

    fn has_port(&self, url: &Url) -> bool {
        self.port.is_none() || self.port == url.port_or_known_default()
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.port) {
            (Place::Name(name), None) => f.write_str(name),
            (Place::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (Place::Network(network), None) => network.fmt(f),
            (Place::Network(network), Some(port)) => SocketAddr::new(network.addr(), port).fmt(f),
        }
    }
}

/// Whether a byte may stand in a host's name.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// A name without the dot that may end it.
fn plain(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Where messages may go.
#[derive(Debug, Clone, Default)]
pub struct Reach(Vec<Allowed>);

impl Reach {
    /// To public addresses over HTTPS, and to those.
    pub fn new(allowed: Vec<Allowed>) -> Self {
        Self(allowed)
    }

    /// A URL that messages may go to, as far as that can be told without asking where its name leads; what is
    /// wrong with it, for people, otherwise.
    pub(super) fn url(&self, text: &str) -> Result<Url, String> {
        if text.len() > LONGEST {
            return Err(format!("`url` must have at most {LONGEST} bytes"));
        }
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("`url` must have no blanks and no control characters".into());
        }
        let url = Url::parse(text)
            .map_err(|_| "`url` must be a URL such as https://example.org/hooks".to_owned())?;
        if !matches!(url.scheme(), "https" | "http") || url.port() == Some(0) {
            return Err(
                "`url` must begin with https:// (or http://, where webhooks.allow permits that)"
                    .into(),
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("`url` must have no user name and no password".into());
        }
        if url.fragment().is_some() {
            return Err("`url` must have no fragment (#...)".into());
        }
        let may = match url.host() {
            Some(Host::Ipv4(address)) => self.permits(&url, address.into()),
            Some(Host::Ipv6(address)) => self.permits(&url, address.into()),
            Some(Host::Domain(name)) if is_local(plain(name)) => {
                let own = [
                    [127, 0, 0, 1].into(),
                    IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
                ];
                own.into_iter().any(|address| self.permits(&url, address))
            }
            Some(Host::Domain(_)) => url.scheme() == "https" || self.may_be_listed(&url),
            None => false,
        };
        if may {
            return Ok(url);
        }
        Err(
            "`url` must lead to a public address over https; the server's setting webhooks.allow can permit others"
                .into(),
        )
    }

    /// Whether a message for `url` may go to an address.
    pub fn permits(&self, url: &Url, address: IpAddr) -> bool {
        // The same address in the clothes of the other family.
        let address = address.to_canonical();
        let listed = |allowed: &Allowed| {
            allowed.has_port(url)
                && match &allowed.place {
                    Place::Name(name) => is_named(url, name),
                    Place::Network(network) => network.contains(&address),
                }
        };
        self.0.iter().any(listed) || (url.scheme() == "https" && is_public(address))
    }

    /// Whether the name in a URL, or where it leads, may be in the list.
    fn may_be_listed(&self, url: &Url) -> bool {
        self.0.iter().any(|allowed| {
            allowed.has_port(url)
                && match &allowed.place {
                    Place::Name(name) => is_named(url, name),
                    Place::Network(_) => true,
                }
        })
    }
}

fn is_named(url: &Url, name: &str) -> bool {
    url.domain().is_some_and(|domain| plain(domain) == name)
}

/// Whether a name is this machine's, whatever anybody says. Source: RFC 6761.
fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn is_public(address: IpAddr) -> bool {
    let global = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.segments()[0] & 0xe000 == 0x2000,
    };
    // What can't be read here would be a mistake in the list, which a test looks for.
    let reserved = |text: &str| text.parse().is_ok_and(|net: IpNet| net.contains(&address));
    global && !RESERVED.iter().any(|text| reserved(text))
}

#[cfg(test)]
mod tests;
