//! Published ports: host → container, as `-p 8080:80` reads.

use crate::extract::shown;
use crate::refusal::Refusal;
use podlane_api::{PortTarget, UniqueMap};
use podlane_engine::{HostPort, PortMapping, Protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) fn mappings(wire: &UniqueMap<PortTarget>) -> Result<Vec<PortMapping>, Refusal> {
    let mut mappings: Vec<PortMapping> = Vec::new();
    for (key, target) in &wire.0 {
        let mapping = mapping(key, target)?;
        let taken = |other: &PortMapping| {
            mapping.host != HostPort::Free
                && (other.host_ip, other.host, other.protocol)
                    == (mapping.host_ip, mapping.host, mapping.protocol)
        };
        if mappings.iter().any(taken) {
            return Err(wrong(
                key,
                "publishes a host port that another entry publishes",
            ));
        }
        mappings.push(mapping);
    }
    Ok(mappings)
}

fn wrong(key: &str, why: &str) -> Refusal {
    Refusal::field("ports", format!("ports[\"{}\"] {why}", shown(key)))
}

fn mapping(key: &str, target: &PortTarget) -> Result<PortMapping, Refusal> {
    let (host_ip, host) = host(key).ok_or_else(|| {
        wrong(
            key,
            "is no host port: write it like \"8080\", \"127.0.0.1:8080\" or \"0\" for a free one",
        )
    })?;
    let (container, protocol) = match target {
        PortTarget::Number(port) => (u16::try_from(*port).ok(), Some(Protocol::Tcp)),
        PortTarget::Text(text) => match text.split_once('/') {
            Some((port, protocol)) => (number(port), Protocol::parse(protocol)),
            None => (number(text), Some(Protocol::Tcp)),
        },
    };
    match (container, protocol) {
        (Some(container @ 1..), Some(protocol)) => Ok(PortMapping {
            host_ip,
            host,
            container,
            protocol,
        }),
        _ => Err(wrong(
            key,
            "leads to no container port: write it like \"80\", 80 or \"80/udp\", with a port from 1 to 65535 and tcp, udp or sctp",
        )),
    }
}

/// `8080`, `127.0.0.1:8080`, `[::1]:8080`.
fn host(key: &str) -> Option<(Option<IpAddr>, HostPort)> {
    let (address, port) = match key.rsplit_once(':') {
        None => (None, key),
        Some((address, port)) => (Some(self::address(address)?), port),
    };
    let port = match number(port)? {
        0 => HostPort::Free,
        port => HostPort::Fixed(port),
    };
    Some((address, port))
}

fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match bracketed {
        Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Decimal digits without sign or leading zero: what every reader reads alike.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<PortMapping>, Refusal> {
        mappings(&serde_json::from_str(json).expect("JSON"))
    }

    fn one(json: &str) -> PortMapping {
        read(json).expect(json)[0]
    }

    #[test]
    fn every_form_of_the_contract() {
        let plain = PortMapping {
            host_ip: None,
            host: HostPort::Fixed(8080),
            container: 80,
            protocol: Protocol::Tcp,
        };
        assert_eq!(one(r#"{"8080": "80"}"#), plain);
        assert_eq!(one(r#"{"8080": 80}"#), plain);
        assert_eq!(one(r#"{"8080": "80/tcp"}"#), plain);
        let udp = one(r#"{"8080": "80/udp"}"#);
        assert_eq!(udp.protocol, Protocol::Udp);
        let bound = one(r#"{"127.0.0.1:8080": "80"}"#);
        assert_eq!(bound.host_ip, Some(IpAddr::from([127, 0, 0, 1])));
        let six = one(r#"{"[::1]:8080": "80"}"#);
        assert_eq!(six.host_ip, Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(one(r#"{"0": "80"}"#).host, HostPort::Free);
        assert_eq!(one(r#"{"127.0.0.1:0": 80}"#).host, HostPort::Free);
        assert_eq!(read("{}"), Ok(Vec::new()));
    }

    #[test]
    fn other_forms_are_named() {
        for key in [
            "",
            "x",
            "-1",
            "+1",
            "08",
            "1.0",
            " 80",
            "65536",
            "80/udp",
            ":80",
            "localhost:80",
            "::1:80",
            "[::1]",
            "127.0.0.1:",
            "127.0.0.1:80:80",
            "127.1:80",
            "8080\n",
        ] {
            let json = serde_json::json!({ key: "80" }).to_string();
            let refusal = read(&json).expect_err(key);
            assert_eq!(refusal.what(), Some("ports"), "{key}");
            let name = format!("ports[\"{}\"]", shown(key));
            assert!(refusal.to_string().contains(&name), "{refusal}");
        }
        for target in [
            "\"\"",
            "\"0\"",
            "0",
            "65536",
            "\"65536\"",
            "\"80/\"",
            "\"80/TCP\"",
            "\"80/icmp\"",
            "\"+80\"",
            "\"080\"",
            "\"80:80\"",
            "\"80-90\"",
            "\"80 \"",
            "99999999999",
        ] {
            let refusal = read(&format!("{{\"8080\": {target}}}")).expect_err(target);
            assert_eq!(refusal.what(), Some("ports"), "{target}");
        }
        let twice = read(r#"{"[::1]:80": 1, "[0:0:0:0:0:0:0:1]:80": 2}"#);
        assert!(twice.is_err());
        assert!(read(r#"{"127.0.0.1:0": 1, "0": 2}"#).is_ok());
    }
}
