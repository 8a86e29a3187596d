//! References to images.

use super::{InvalidName, RegistryHost, shown, text_type};
use std::fmt;

/// An image reference: `[registry[:port]/]path[:tag][@sha256:digest]`, an image ID or the beginning
/// of one. Never a transport (`dir:`, `docker-archive:` ...) and never a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageRef(String);

/// The transports of containers-image; a reference that begins with one of them is no image name.
const TRANSPORTS: [&str; 11] = [
    "atomic",
    "containers-storage",
    "dir",
    "docker",
    "docker-archive",
    "docker-daemon",
    "oci",
    "oci-archive",
    "ostree",
    "sif",
    "tarball",
];

impl ImageRef {
    /// The longest reference, in bytes.
    pub const MAX: usize = 512;

    /// Checks a reference.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let wrong = |why: &str| {
            InvalidName::new(format!(
                "\"{}\" is not an image reference: {why}; write it like \"alpine:latest\" or \"registry.example.org/team/app:1.2\"",
                shown(text)
            ))
        };
        if text.is_empty() || text.len() > Self::MAX {
            return Err(wrong("it must have 1 to 512 characters"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong(
                "the part after '@' must be sha256: and 64 hexadecimal digits",
            ));
        }
        if digest.is_none() && is_digest(rest) {
            return Ok(Self(text.to_owned()));
        }
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_start..].split_once(':') {
            Some((last, tag)) => (&rest[..name_start + last.len()], Some(tag)),
            None => (rest, None),
        };
        if tag.is_some() && TRANSPORTS.contains(&name) {
            return Err(wrong("transports are not accepted"));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("a tag has 1 to 128 letters, digits, '_', '.' or '-'"));
        }
        if name.len() > 255 || !is_repository(name) {
            return Err(wrong(
                "a name has lower-case letters, digits and single separators",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The registry that the reference names. `None` for one that the engine looks for in registries of its own choice.
    pub fn registry(&self) -> Option<RegistryHost> {
        let (first, _) = self.0.split('@').next()?.split_once('/')?;
        RegistryHost::parse(first).ok()
    }

    /// The reference as the name of something to be made: repository and tag, `latest` if it has none. `None`
    /// for one with a digest, which nobody can choose.
    pub fn repository_and_tag(&self) -> Option<(&str, &str)> {
        if self.0.contains('@') || is_digest(&self.0) {
            return None;
        }
        let name = self.0.rfind('/').map_or(0, |slash| slash + 1);
        match self.0[name..].split_once(':') {
            Some((last, tag)) => Some((&self.0[..name + last.len()], tag)),
            None => Some((&self.0, "latest")),
        }
    }
}
text_type!(ImageRef);

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_repository(name: &str) -> bool {
    match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
            is_registry(first) && rest.split('/').all(is_path_component)
        }
        _ => name.split('/').all(is_path_component),
    }
}

pub(super) fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.split('.').all(label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Lower-case letters and digits, joined by one `.`, one or two `_`, or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.split(alphanumeric).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
        })
}
