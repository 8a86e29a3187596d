//! Names of what is kept beside containers and images: volumes, networks, secrets, pods and registries.

use super::container::is_container_name;
use super::{InvalidName, shown, text_type};
use std::fmt;

macro_rules! kept_name {
    ($name:ident, $what:literal, $max:literal) => {
        #[doc = concat!("The name of a ", $what, ": 1 to ", $max, " letters, digits, `_`, `.`, `-`, the first a letter or digit.")]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The longest name, in bytes.
            pub const MAX: usize = $max;

            /// Checks a name.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                if text.len() <= Self::MAX && is_container_name(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(InvalidName::new(format!(
                    concat!(
                        "\"{}\" is not the name of a ", $what,
                        ": use 1 to {} letters, digits, '_', '.' or '-', and begin with a letter or a digit"
                    ),
                    shown(text),
                    Self::MAX
                )))
            }
        }
        text_type!($name);
    };
}

kept_name!(VolumeName, "volume", 128);
kept_name!(NetworkName, "network", 128);
kept_name!(SecretName, "secret", 64);
kept_name!(PodName, "pod", 128);
kept_name!(RegistryName, "registry", 64);

impl PodName {
    /// A pod can be named by its ID, too.
    pub(super) fn of_id(id: &str) -> Self {
        Self(id.to_owned())
    }
}
