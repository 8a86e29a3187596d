//! Where registries are.

use super::image::is_registry;
use super::{InvalidName, shown, text_type};
use std::fmt;

/// A registry's host and port, as images that are there name it: `registry.example.org:5000`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The longest, in bytes.
    pub const MAX: usize = 255;

    /// Checks a host. Of what could be one, only what no image's name can begin with otherwise is one: with a dot or a
    /// port, or `localhost`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let port = text.split_once(':').map(|(_, port)| port);
        let plain =
            |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
        let good = text.len() <= Self::MAX
            && is_registry(text)
            && (text.contains(['.', ':']) || text == "localhost")
            && port.is_none_or(plain);
        if !good {
            return Err(InvalidName::new(format!(
                "\"{}\" is not a registry: write it as names of images begin, such as registry.example.org or registry.example.org:5000",
                shown(text)
            )));
        }
        let host = text.to_ascii_lowercase();
        // Its old name; Podman reads it so, too.
        if host == "index.docker.io" {
            return Ok(Self("docker.io".into()));
        }
        Ok(Self(host))
    }
}
text_type!(RegistryHost);
