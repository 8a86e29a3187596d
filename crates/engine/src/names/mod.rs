//! Names, checked once at the border and then carried as types.
//!
//! What passes here can stand in a URL path segment, an argument vector and a log line without being
//! read as anything else.

mod container;
mod image;
mod kept;
mod path;
mod pod;
mod registry;
#[cfg(test)]
mod tests;
mod user;

pub use container::{ContainerId, ContainerName, ContainerRef};
pub use image::ImageRef;
pub use kept::{NetworkName, PodName, RegistryName, SecretName, VolumeName};
pub use path::InnerPath;
pub use pod::PodId;
pub use registry::RegistryHost;
pub use user::{UserName, UserSpec};

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
use text_type;
