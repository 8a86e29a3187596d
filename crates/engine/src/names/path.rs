//! Paths in containers.

use super::{InvalidName, shown, text_type};
use std::fmt;

/// An absolute path inside a container, without `.`, `..`, double or trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
