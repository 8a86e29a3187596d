//! Names, checked once at the border and then carried as types.
//!
//! What passes here can stand in a URL path segment, an argument vector and a log line without being
//! read as anything else.

use std::fmt;
use thiserror::Error;

/// Why a string is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidName(String);

impl InvalidName {
    fn new(rule: impl Into<String>) -> Self {
        Self(rule.into())
    }
}

/// Shortens untrusted text for an error message and shows control characters as escapes.
fn shown(text: &str) -> String {
    let mut head: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        head.push('…');
    }
    head
}

/// `[A-Za-z0-9][A-Za-z0-9_.-]*`, Podman's own rule.
fn is_container_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
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
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
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

fn is_registry(text: &str) -> bool {
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

/// An absolute path inside a container, without `.`, `..`, double or trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InnerPath(String);

impl InnerPath {
    /// Linux's `PATH_MAX` without the final NUL, in bytes.
    pub const MAX: usize = 4095;
    /// Linux's `NAME_MAX`, in bytes.
    pub const MAX_COMPONENT: usize = 255;

    /// Checks a path. Double and trailing slashes and `.` are dropped; `..` is refused, because what it
    /// means depends on the symbolic links before it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let wrong = |why: &str| {
            InvalidName::new(format!("\"{}\" is not a usable path: {why}", shown(text)))
        };
        if !text.starts_with('/') {
            return Err(wrong("it must be absolute, so begin with '/'"));
        }
        if text.len() > Self::MAX {
            return Err(wrong("it must have at most 4095 bytes"));
        }
        if text.contains('\0') {
            return Err(wrong("it must not contain NUL"));
        }
        let mut path = String::with_capacity(text.len());
        for component in text
            .split('/')
            .filter(|component| !matches!(*component, "" | "."))
        {
            if component == ".." {
                return Err(wrong("it must not contain '..'"));
            }
            if component.len() > Self::MAX_COMPONENT {
                return Err(wrong("each name in it must have at most 255 bytes"));
            }
            path.push('/');
            path.push_str(component);
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Self(path))
    }

    /// The root directory.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The directory it is in and its own name; `None` for the root.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (directory, name) = self.0.rsplit_once('/')?;
        if name.is_empty() {
            return None;
        }
        let directory = if directory.is_empty() { "/" } else { directory };
        Some((Self(directory.to_owned()), name))
    }

    /// The path of an entry of this directory. The name must be a single component.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let directory = self.0.trim_end_matches('/');
        Self(format!("{directory}/{name}"))
    }

    /// Whether it is `root` or below it.
    pub fn is_within(&self, root: &str) -> bool {
        self.0
            .strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
text_type!(InnerPath);

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn container_names_follow_podmans_rule() {
        for good in ["a", "my-container", "web_1.old", "0abc", &"x".repeat(128)] {
            assert!(ContainerName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "_a",
            "a/b",
            "a b",
            "a\n",
            "a%2Fb",
            "..",
            "é",
            "a;x",
            "a?b",
            "a#b",
            &"x".repeat(129),
        ] {
            assert!(ContainerName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn image_references_have_no_transport_and_no_path() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for good in [
            "alpine",
            "alpine:latest",
            "localhost/bb:1",
            "localhost:5000/bb",
            "127.0.0.1:5000/a/b:x",
            "quay.io/a/b__c-d.e",
            "c553b569fa12",
            &digest,
            &format!("alpine@{digest}"),
            &format!("alpine:3@{digest}"),
        ] {
            assert!(ImageRef::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "dir:x",
            "oci:x",
            "docker-archive:x",
            "dir:/etc",
            "docker://alpine",
            "containers-storage:alpine",
            "/etc/passwd",
            "./x",
            "../x",
            "a b",
            "A",
            "alpine:",
            "alpine@sha256:zz",
            "a//b",
            "a/../b",
            "x:0/y",
            "alpine\n",
            "a..b",
            "-a",
        ] {
            assert!(ImageRef::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_are_absolute_and_normal() {
        assert_eq!(
            InnerPath::parse("//tmp/./a//b/").expect("fine").as_str(),
            "/tmp/a/b"
        );
        assert_eq!(InnerPath::parse("/").expect("fine").as_str(), "/");
        for bad in [
            "",
            "tmp",
            "/a/../b",
            "/..",
            "/a\0b",
            &format!("/{}", "a".repeat(256)),
            &"/a".repeat(2048),
        ] {
            assert!(InnerPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(InnerPath::parse("/..a/b..").is_ok());
        assert!(
            InnerPath::parse("/proc/1")
                .expect("fine")
                .is_within("/proc")
        );
        assert!(
            !InnerPath::parse("/process")
                .expect("fine")
                .is_within("/proc")
        );
    }

    #[test]
    fn users_are_names_or_numbers() {
        for good in [
            "root",
            "0",
            "1000:1000",
            "www-data:www-data",
            "Bob",
            "host$",
        ] {
            assert!(UserSpec::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ":",
            "a:",
            ":a",
            "a:b:c",
            "a b",
            "-h",
            "a\n",
            "4294967295",
            "99999999999",
        ] {
            assert!(UserSpec::parse(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "-h",
            "a:b",
            "a\n",
            "..",
            "Root",
            "a.b",
            &"a".repeat(33),
            "1a",
            "a b",
        ] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_harmless(text in "\\PC{0,300}|[ -~\\n\\t\\x00]{0,80}") {
            if let Ok(name) = ContainerName::parse(&text) {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"/?#%&\\'\"<>".contains(&b)));
            }
            if let Ok(image) = ImageRef::parse(&text) {
                prop_assert!(image.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"?#%&\\'\"<>".contains(&b)));
                prop_assert!(!image.as_str().contains("..") && !image.as_str().starts_with('/'));
            }
            if let Ok(user) = UserSpec::parse(&text) {
                prop_assert!(user.as_str().bytes().all(|b| b.is_ascii_graphic()));
            }
        }

        #[test]
        fn a_parsed_path_is_its_own_normal_form(text in "(/(\\.|a|b\\.|\\.\\.|é)?){1,12}") {
            if let Ok(path) = InnerPath::parse(&text) {
                prop_assert!(path.as_str().starts_with('/'));
                prop_assert!(!path.as_str().split('/').any(|part| part == ".."));
                prop_assert_eq!(&InnerPath::parse(path.as_str()).expect("normal"), &path);
                if let Some((directory, name)) = path.split() {
                    prop_assert_eq!(directory.join(name), path);
                }
            }
        }
    }
}
