//! Tokens: who may ask for what.

mod keeper;
mod operations;
mod secret;
#[cfg(test)]
mod tests;

pub use keeper::{Presented, Tokens};
pub use operations::NewToken;
pub use secret::TokenText;

use crate::{Bounds, Error, NamePrefix, Result, Role, Scope, Scopes, Tenant};
use ipnet::IpNet;
use podlane_store::TokenRecord;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use time::OffsetDateTime;

/// Whether callers must say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// Once a token has been made.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The role that it was made with, if any.
    pub role: Option<Role>,
    /// What its holder may do.
    pub scopes: Scopes,
    /// Where it may come from; empty for anywhere.
    pub networks: Vec<IpNet>,
    /// The client certificate whose holder needs no token.
    pub certificate: Option<Fingerprint>,
    /// What its holder is kept within.
    pub bounds: Bounds,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it ends.
    pub expires: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked: Option<OffsetDateTime>,
}

/// The SHA-256 of a certificate in DER, which `openssl x509 -fingerprint -sha256` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// 64 hexadecimal digits, with or without colons between.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A network as people write it, an address alone too.
pub fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn time(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

impl From<&TokenRecord> for Token {
    fn from(record: &TokenRecord) -> Self {
        // What an older or later server wrote and this one does not know permits nothing.
        let scopes = record.scopes.split_whitespace().filter_map(Scope::parse);
        let networks = record.networks.split_whitespace();
        let nowhere = IpNet::from(IpAddr::from([0, 0, 0, 0]));
        // The same for bounds: what can't be read holds nothing, because no thing has such a name.
        let tenant = |text: &String| Tenant::parse(text).unwrap_or_else(Tenant::nobody);
        let prefix = |text: &String| NamePrefix::parse(text).unwrap_or_else(NamePrefix::of_none);
        Self {
            bounds: Bounds {
                tenant: record.tenant.as_ref().map(tenant),
                prefix: record.prefix.as_ref().map(prefix),
                container: None,
            },
            certificate: record.certificate.as_deref().and_then(Fingerprint::parse),
            id: record.id.clone(),
            name: record.name.clone(),
            role: record.role.as_deref().and_then(Role::parse),
            scopes: scopes.collect(),
            networks: networks
                .map(|network| network.parse().unwrap_or(nowhere))
                .collect(),
            created: time(record.created),
            expires: record.expires.map(time),
            revoked: record.revoked.map(time),
        }
    }
}

impl Token {
    /// Whether it is neither revoked nor expired.
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| end > now)
    }

    /// Whether it is good now, for who comes from `peer` (`None`: from this machine).
    fn is_good(&self, now: OffsetDateTime, peer: Option<IpAddr>) -> Result<()> {
        let reason = if self.revoked.is_some() {
            "this token has been revoked"
        } else if self.expires.is_some_and(|end| end <= now) {
            "this token has expired"
        } else if !self.networks.is_empty() && !self.is_from(peer) {
            "this token is not good from this address"
        } else {
            return Ok(());
        };
        Err(Error::Unidentified { reason })
    }

    fn is_from(&self, peer: Option<IpAddr>) -> bool {
        let peer = peer.map(|peer| peer.to_canonical());
        peer.is_some_and(|peer| self.networks.iter().any(|network| network.contains(&peer)))
    }
}
