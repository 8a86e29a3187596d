//! Networks, name servers, hosts and the host name.

use crate::extract::shown;
use crate::refusal::Refusal;
use crate::routes::values::is_host;
use podlane_api::{Membership, UniqueMap};
use podlane_engine::NetworkName;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(crate) fn networks(
    wire: UniqueMap<Membership>,
) -> Result<BTreeMap<String, podlane_engine::Membership>, Refusal> {
    let memberships = wire.0.into_iter().map(|(name, membership)| {
        let wrong =
            |why: &str| Refusal::field("networks", format!("networks[\"{}\"] {why}", shown(&name)));
        if NetworkName::parse(&name).is_err() {
            return Err(wrong(
                "is no network's name (letters, digits, '_', '.' and '-')",
            ));
        }
        let ip = membership.ip.as_deref().map(str::parse).transpose();
        let ip = ip.map_err(|_| wrong("has an `ip` that is no address, such as \"10.89.0.5\""))?;
        if !membership.aliases.iter().all(|alias| is_host(alias)) {
            return Err(wrong("has an alias that is no host name"));
        }
        let aliases = membership.aliases;
        Ok((name, podlane_engine::Membership { ip, aliases }))
    });
    memberships.collect()
}

pub(crate) fn dns(wire: Vec<String>) -> Result<Vec<IpAddr>, Refusal> {
    let address = |text: String| {
        text.parse().map_err(|_| {
            let message = format!(
                "`dns` must be addresses of name servers, such as \"9.9.9.9\", and \"{}\" is none",
                shown(&text)
            );
            Refusal::field("dns", message)
        })
    };
    wire.into_iter().map(address).collect()
}

pub(crate) fn extra_hosts(wire: UniqueMap<String>) -> Result<BTreeMap<String, IpAddr>, Refusal> {
    let entry = |(name, address): (String, String)| match address.parse() {
        Ok(address) if is_host(&name) => Ok((name, address)),
        _ => {
            let message = format!(
                "extra_hosts[\"{}\"] must be a host name with an address, such as \"db\": \"10.0.0.5\"",
                shown(&name)
            );
            Err(Refusal::field("extra_hosts", message))
        }
    };
    wire.0.into_iter().map(entry).collect()
}

pub(crate) fn hostname(wire: String) -> Result<String, Refusal> {
    if is_host(&wire) && wire.len() <= 64 {
        return Ok(wire);
    }
    let message = "`hostname` must be 1 to 64 letters, digits, '-', '_' and '.', and each part between dots begin and end with a letter or digit";
    Err(Refusal::field("hostname", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_checked() {
        for good in ["a", "web-1", "a_b", "db.example.org", "0"] {
            assert_eq!(hostname(good.into()).as_deref(), Ok(good));
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "a-", "a b", "a..b", ".", "é", "a/b", "a\n", &long] {
            assert!(hostname(bad.into()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn other_values_are_named() {
        let map = |json: &str| serde_json::from_str(json).expect(json);
        assert!(networks(map(r#"{"n": {"ip": "10.0.0.5", "aliases": ["db"]}}"#)).is_ok());
        for json in [
            r#"{"": {}}"#,
            r#"{"a b": {}}"#,
            r#"{"n": {"ip": "10.0.0"}}"#,
            r#"{"n": {"ip": "10.0.0.5/24"}}"#,
            r#"{"n": {"aliases": [""]}}"#,
        ] {
            let refusal = networks(map(json)).expect_err(json);
            assert_eq!(refusal.what(), Some("networks"), "{json}");
        }
        assert!(dns(vec!["9.9.9.9".into(), "::1".into()]).is_ok());
        assert!(dns(vec!["example.org".into()]).is_err());
        for json in [
            r#"{"a b": "1.2.3.4"}"#,
            r#"{"a": "b"}"#,
            r#"{"a:b": "::1"}"#,
        ] {
            let wire: UniqueMap<String> = serde_json::from_str(json).expect(json);
            assert!(extra_hosts(wire).is_err(), "{json}");
        }
    }
}
