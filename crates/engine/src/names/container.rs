//! Names and IDs of containers.

use super::{InvalidName, shown, text_type};
use std::fmt;

/// `[A-Za-z0-9][A-Za-z0-9_.-]*`, Podman's own rule.
pub(super) fn is_container_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

pub(super) fn is_full_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A container's name: 1 to 128 letters, digits, `_`, `.`, `-`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerName(String);

impl ContainerName {
    /// The longest name, in bytes.
    pub const MAX: usize = 128;

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.len() <= Self::MAX && is_container_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(format!(
            "\"{}\" is not a container name: use 1 to {} letters, digits, '_', '.' or '-', and begin with a letter or a digit",
            shown(text),
            Self::MAX
        )))
    }
}
text_type!(ContainerName);

/// What a caller names a container by: its name, its ID or the beginning of its ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerRef(String);

impl ContainerRef {
    /// Checks a reference; the rule is that of [`ContainerName`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        ContainerName::parse(text).map(|name| Self(name.0))
    }
}
text_type!(ContainerRef);

impl From<&ContainerId> for ContainerRef {
    fn from(id: &ContainerId) -> Self {
        Self(id.0.clone())
    }
}

impl From<&ContainerName> for ContainerRef {
    fn from(name: &ContainerName) -> Self {
        Self(name.0.clone())
    }
}

/// A container's full ID: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(String);

impl ContainerId {
    /// Checks a full ID.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_full_id(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(format!(
            "\"{}\" is not a full container ID",
            shown(text)
        )))
    }

    /// Its first 12 digits, as people and answers write it.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}
text_type!(ContainerId);
