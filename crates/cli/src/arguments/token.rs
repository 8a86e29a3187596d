//! The flags of `podlane token`.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, where backticks would be printed"
)]

use crate::commands::token::Work;
use clap::{ArgGroup, Args, Subcommand};
use podlane_server::config::Flags;
use podlane_service::{Fingerprint, NamePrefix, Role, Scope, Tenant, network};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Make a token and print it, this once.
    Create {
        #[command(flatten)]
        new: NewTokenFlags,
        #[command(flatten)]
        place: Place,
    },
    /// List the tokens, revoked ones too, without their secrets.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// End a token at once and for good.
    Revoke {
        /// Its ID: the 12 digits behind pdl_
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give a token another secret and print it, this once; the old one ends at once.
    Rotate {
        /// Its ID: the 12 digits behind pdl_
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

impl TokenVerb {
    /// Where, and what.
    pub(crate) fn split(self) -> (Place, Work) {
        match self {
            Self::Create { new, place } => (place, Work::Create(new)),
            Self::List { place } => (place, Work::List),
            Self::Revoke { id, place } => (place, Work::Revoke(id)),
            Self::Rotate { id, place } => (place, Work::Rotate(id)),
        }
    }
}

/// The server that is meant.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Read this configuration file, as `serve` does [env: PODLANE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's state directory, as for `serve` [env: PODLANE_STATE_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    state_dir: Option<String>,
}

impl From<Place> for Flags {
    fn from(given: Place) -> Self {
        let mut flags = Self::default();
        if let Some(file) = given.config {
            flags.set_file(file);
        }
        if let Some(directory) = given.state_dir {
            flags.set("state-dir", directory);
        }
        flags
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["role", "scopes"])))]
pub(crate) struct NewTokenFlags {
    /// What to call it
    #[arg(long)]
    pub(crate) name: String,
    /// What its holder may do: viewer (see what there is), operator (do everything with containers),
    /// admin (everything)
    #[arg(long, value_parser = role)]
    pub(crate) role: Option<Role>,
    /// Instead of a role: one thing that its holder may do, such as containers:read; may be repeated
    #[arg(long = "scope", id = "scopes", value_name = "SCOPE", value_parser = scope)]
    pub(crate) scopes: Vec<Scope>,
    /// Where it may come from, such as 10.0.0.0/8 or 127.0.0.1; may be repeated [default: anywhere]
    #[arg(long = "network", value_name = "NETWORK", value_parser = net)]
    pub(crate) networks: Vec<ipnet::IpNet>,
    /// For whom its holder acts: it sees and makes this tenant's things only [default: everybody]
    #[arg(long, value_parser = tenant)]
    pub(crate) tenant: Option<Tenant>,
    /// What the names of its holder's containers begin with [default: anything]
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub(crate) name_prefix: Option<NamePrefix>,
    /// The SHA-256 fingerprint of a client certificate whose holder needs no token, as
    /// `openssl x509 -noout -fingerprint -sha256` shows it
    #[arg(long, value_name = "FINGERPRINT", value_parser = certificate)]
    pub(crate) certificate: Option<Fingerprint>,
    /// How long it is good: a number and s, m, h or d, such as 30d [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = life)]
    pub(crate) expires_in: Option<Duration>,
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::parse(text).ok_or("it must be viewer, operator or admin")
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("it must be one of {}", all.join(", "))
    })
}

fn certificate(text: &str) -> Result<Fingerprint, &'static str> {
    Fingerprint::parse(text)
        .ok_or("it must be 64 hexadecimal digits, with or without colons between")
}

fn tenant(text: &str) -> Result<Tenant, &'static str> {
    Tenant::parse(text).ok_or("it must be 1 to 63 lower-case letters, digits, -, _ and .")
}

fn prefix(text: &str) -> Result<NamePrefix, &'static str> {
    NamePrefix::parse(text).ok_or("it must be 1 to 63 letters, digits, -, _ and .")
}

fn net(text: &str) -> Result<ipnet::IpNet, &'static str> {
    network(text).ok_or("it must be an IP address, or a network such as 10.0.0.0/8")
}

fn life(text: &str) -> Result<Duration, &'static str> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    found
        .map(Duration::from_secs)
        .ok_or("it must be a whole number and s, m, h or d, such as 30d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(life("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(life("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["", "d", "30", "-1d", "1.5h", "99999999999999999999d", "1 d"] {
            assert!(life(wrong).is_err(), "{wrong}");
        }
    }
}
