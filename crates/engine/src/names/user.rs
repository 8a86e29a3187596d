//! Users and their names.

use super::{InvalidName, shown, text_type};
use std::fmt;

/// A user as an engine takes it: `name`, `uid`, `name:group`, `uid:gid` ...
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserSpec(String);

impl UserSpec {
    /// Checks the form; whether the user exists only the container knows.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let mut parts = text.splitn(2, ':');
        if parts.all(is_account) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(format!(
            "\"{}\" is not a user: write a name or a numeric ID, and if wanted ':' and a group, like \"root\", \"1000\" or \"www-data:www-data\"",
            shown(text)
        )))
    }

    /// User and group 0, whatever they are called inside.
    pub fn root() -> Self {
        Self("0:0".to_owned())
    }
}
text_type!(UserSpec);

fn is_account(text: &str) -> bool {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<u32>().is_ok_and(|id| id < u32::MAX);
    }
    let body = text.strip_suffix('$').unwrap_or(text);
    text.len() <= 64
        && body.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'@'))
}

/// The name of an account to be made, by the rule of `useradd`: 1 to 32 lower-case letters, digits,
/// `_` and `-`, the first a letter or `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserName(String);

impl UserName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(format!(
            "\"{}\" is not a user name: use 1 to 32 lower-case letters, digits, '_' or '-', and begin with a letter or '_'",
            shown(text)
        )))
    }
}
text_type!(UserName);
