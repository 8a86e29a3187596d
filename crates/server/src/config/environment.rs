//! The process environment, read once. The only place in Podlane that reads it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A copy of the process environment. A variable that is set to nothing counts as not set.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process.
    pub fn read() -> Self {
        std::env::vars_os().collect()
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The names of all variables, where they are text.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.to_str())
    }

    /// `$CONTAINER_HOST`: the engine's address for Podman's own remote client.
    pub fn container_host(&self) -> Option<String> {
        self.get("CONTAINER_HOST")
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// `$XDG_RUNTIME_DIR`: the user's directory for sockets, gone at log-out.
    pub fn runtime_dir(&self) -> Option<&Path> {
        self.directory("XDG_RUNTIME_DIR")
    }

    /// `$HOME`.
    pub fn home(&self) -> Option<&Path> {
        self.directory("HOME")
    }

    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub fn config_home(&self) -> Option<PathBuf> {
        self.directory("XDG_CONFIG_HOME")
            .map(Path::to_path_buf)
            .or_else(|| self.home().map(|home| home.join(".config")))
    }

    /// `$XDG_STATE_HOME`: the user's directory for what programs keep, if it was set.
    pub fn state_home(&self) -> Option<&Path> {
        self.directory("XDG_STATE_HOME")
    }

    /// The directories of `$PATH`, in order.
    pub fn path(&self) -> Vec<PathBuf> {
        self.get("PATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default()
    }

    /// Whether `$NO_COLOR` asks for text without colours.
    pub fn no_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// The XDG specification: a path that is not absolute is to be ignored.
    fn directory(&self, name: &str) -> Option<&Path> {
        self.get(name)
            .map(Path::new)
            .filter(|path| path.is_absolute())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let named = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(named.filter(|(_, value)| !value.is_empty()).collect())
    }
}
