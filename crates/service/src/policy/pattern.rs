//! What a rule's words fit.

use super::Field;
use super::values::Value;
use fast_glob::glob_match;
use podlane_engine::{HostPort, ImageRef, PortMapping, Protocol};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

/// Words of a rule. `*` stands for anything but `/`, `**` for anything, `{a,b}` for one of them.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    meant: Meant,
}

#[derive(Debug, Clone)]
enum Meant {
    Text(String),
    Image {
        repository: String,
        tag: Option<String>,
        digest: Option<String>,
    },
    Mount {
        path: String,
        read_only: bool,
    },
    Port {
        address: Option<IpAddr>,
        ports: RangeInclusive<u16>,
        protocol: Option<Protocol>,
    },
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What no pattern has, so that a mistake is noticed.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

impl Pattern {
    /// The words for a field; the error is what would be right.
    pub fn parse(field: Field, text: &str) -> Result<Self, String> {
        if !is_plain(text) {
            return Err("it must have at least one character and no spaces".into());
        }
        let meant = match field {
            Field::Image => image(text),
            Field::Mounts => mount(text)?,
            Field::Ports => port(text).ok_or(
                "it must be like \"8080\", \"1024-65535\", \"127.0.0.1:*\", \"[::1]:80\" or \"53/udp\"",
            )?,
            Field::Capabilities => capability(text)?,
            Field::Volumes | Field::Networks | Field::Devices | Field::User => {
                Meant::Text(text.to_owned())
            }
        };
        Ok(Self {
            text: text.to_owned(),
            meant,
        })
    }

    /// Whether a value is meant.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match (&self.meant, value) {
            (Meant::Text(pattern), Value::Text(text)) => glob_match(pattern, text),
            (
                Meant::Image {
                    repository,
                    tag,
                    digest,
                },
                Value::Image(image),
            ) => fits_image(image, repository, tag.as_deref(), digest.as_deref()),
            (
                Meant::Mount { path, read_only },
                Value::Mount {
                    path: asked,
                    read_only: asked_so,
                },
            ) => (!read_only || *asked_so) && glob_match(path, asked),
            (
                Meant::Port {
                    address,
                    ports,
                    protocol,
                },
                Value::Port(port),
            ) => fits_port(port, *address, ports, *protocol),
            _ => false,
        }
    }
}

/// `[registry/]repository[:tag][@digest]`, taken apart.
fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[last..].split_once(':') {
        Some((name, tag)) => (&rest[..last + name.len()], Some(tag), digest),
        None => (rest, None, digest),
    }
}

fn image(text: &str) -> Meant {
    let (repository, tag, digest) = parts(text);
    Meant::Image {
        repository: repository.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    }
}

fn fits_image(image: &ImageRef, repository: &str, tag: Option<&str>, digest: Option<&str>) -> bool {
    let (own, own_tag, own_digest) = parts(image.as_str());
    // What is named by its digest has no tag but the one it says.
    let own_tag = own_tag.or_else(|| own_digest.is_none().then_some("latest"));
    let fits = |pattern: Option<&str>, own: Option<&str>| match pattern {
        None => true,
        Some(pattern) => own.is_some_and(|own| glob_match(pattern, own)),
    };
    glob_match(repository, own) && fits(tag, own_tag) && fits(digest, own_digest)
}

fn mount(text: &str) -> Result<Meant, String> {
    let (path, read_only) = match text.strip_suffix(":ro") {
        Some(path) => (path, true),
        None => (text, false),
    };
    if !path.starts_with('/') || path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("it must be an absolute path such as \"/srv/labs/**\", with \":ro\" behind it if it must not be written".into());
    }
    Ok(Meant::Mount {
        path: path.to_owned(),
        read_only,
    })
}

/// In the one form that requests have too.
fn capability(text: &str) -> Result<Meant, String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if !name
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b"_*".contains(&b))
    {
        return Err("it must be the name of a capability, such as \"NET_ADMIN\"".into());
    }
    Ok(Meant::Text(match name {
        "ALL" | "*" => name.to_owned(),
        name => format!("CAP_{name}"),
    }))
}

fn port(text: &str) -> Option<Meant> {
    let (rest, protocol) = match text.split_once('/') {
        Some((rest, protocol)) => (rest, Some(Protocol::parse(protocol)?)),
        None => (text, None),
    };
    let (address, ports) = match rest.rsplit_once(':') {
        Some((address, ports)) => {
            let address = address.trim_start_matches('[').trim_end_matches(']');
            (Some(address.parse().ok()?), ports)
        }
        None => (None, rest),
    };
    let ports = match ports.split_once('-') {
        _ if ports == "*" => 0..=u16::MAX,
        Some((first, last)) => first.parse().ok()?..=last.parse().ok()?,
        None => {
            let port = ports.parse().ok()?;
            port..=port
        }
    };
    (!ports.is_empty()).then_some(Meant::Port {
        address,
        ports,
        protocol,
    })
}

fn fits_port(
    port: &PortMapping,
    address: Option<IpAddr>,
    ports: &RangeInclusive<u16>,
    protocol: Option<Protocol>,
) -> bool {
    let number = match port.host {
        HostPort::Fixed(number) => number,
        HostPort::Free => 0,
    };
    let all = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    ports.contains(&number)
        && address.is_none_or(|address| port.host_ip.unwrap_or(all) == address)
        && protocol.is_none_or(|protocol| port.protocol == protocol)
}
