//! Where this server keeps what must outlive it.

use podlane_server::config::{Config, Environment};
use std::path::PathBuf;

/// The state directory; `None` if no place for one is known.
pub(crate) fn directory(config: &Config, environment: &Environment) -> Option<PathBuf> {
    let usual = || match environment.state_home() {
        Some(home) => Some(home.join("podlane")),
        None if rustix::process::geteuid().is_root() => Some("/var/lib/podlane".into()),
        None => Some(environment.home()?.join(".local/state/podlane")),
    };
    config.state_dir.clone().or_else(usual)
}
