//! What an engine says of itself and of its host, and what it can't do.

use crate::{Call, Error, Result};
use async_trait::async_trait;

/// What an engine says of itself and of its host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// The engine's name, for people: `podman`.
    pub name: String,
    /// Its version as it writes it: `4.3.1`.
    pub version: String,
    /// The version of the API that it speaks.
    pub api_version: String,
    /// The program that starts containers.
    pub runtime: Program,
    /// The version of control groups: `v1` or `v2`.
    pub cgroup_version: String,
    /// Who manages them: `systemd` or `cgroupfs`.
    pub cgroup_manager: String,
    /// Those of their controllers that containers can be limited with.
    pub cgroup_controllers: Vec<String>,
    /// How images and containers are stored: `overlay`, `vfs` ...
    pub storage_driver: String,
    /// What makes networks: `netavark`, `cni`.
    pub network_backend: String,
    /// Whether it runs without the rights of root.
    pub rootless: bool,
    /// The host's operating system: `linux`.
    pub os: String,
    /// The host's architecture: `amd64`, `arm64` ...
    pub arch: String,
    /// The host's kernel.
    pub kernel: String,
    /// What confines containers beyond namespaces.
    pub confinement: Confinement,
    /// Whether it runs containers' health checks by itself.
    pub runs_checks: bool,
    /// Room where images and containers are stored, if it says so.
    pub disk: Option<DiskRoom>,
}

/// A program and its version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// What it is called: `crun`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Which of the kernel's security modules an engine uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Filters of system calls.
    pub seccomp: bool,
    /// `AppArmor` profiles.
    pub apparmor: bool,
    /// `SELinux` labels.
    pub selinux: bool,
}

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRoom {
    /// All.
    pub total: u64,
    /// Those that are taken.
    pub used: u64,
}

/// Something that not every engine can do everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// What, as a word that stays: `limits.memory`.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Whether it can be done here.
    pub supported: bool,
    /// Why not, or how, for people.
    pub reason: Option<String>,
    /// The engine's version from which on it can be done, if that is what decides.
    pub since: Option<&'static str>,
}

impl Capability {
    /// Refuses what needs it, where it can't be done.
    pub fn needed(self) -> Result<()> {
        if self.supported {
            return Ok(());
        }
        Err(Error::Unsupported {
            what: self.what,
            reason: self.reason.unwrap_or_default(),
        })
    }
}

/// The part of an engine that tells what it is.
#[async_trait]
pub trait System {
    /// What it says of itself; may be what was true some seconds ago.
    async fn info(&self, call: &Call) -> Result<EngineInfo>;

    /// What it can and can't do here. What it can't is refused with [`crate::Error::Unsupported`] and the
    /// same reason.
    async fn capabilities(&self, call: &Call) -> Result<Vec<Capability>>;

    /// Why the engine does not answer, if it is one that we run ourselves and know of, for people.
    fn trouble(&self) -> Option<String> {
        None
    }
}
