//! Facts about this machine that decide whether containers can be started. Data only: gathered in
//! `gather`, judged by the doctor.

mod files;
mod gather;

pub(crate) use gather::gather;

use podlane_podman::find::Found;
use std::path::PathBuf;

/// What was seen.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) distribution: Distribution,
    pub(crate) account: Account,
    pub(crate) podman: Option<Podman>,
    /// Where a Podman service was looked for, and what was there.
    pub(crate) services: Found,
    pub(crate) programs: Programs,
    pub(crate) id_ranges: IdRanges,
    pub(crate) tun: Tun,
    pub(crate) cgroups: Cgroups,
    /// Whether resource limits may be raised above their hard bounds (`CAP_SYS_RESOURCE`).
    pub(crate) sys_resource: bool,
    /// Whether ordinary accounts may make user namespaces.
    pub(crate) user_namespaces: bool,
}

/// Whose packages are installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distribution {
    /// Debian, Ubuntu and what is made from them.
    Debian,
    /// Fedora, RHEL and what is made from them.
    Fedora,
    /// Another, by its own name.
    Other(String),
}

/// Who we run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) name: String,
}

impl Account {
    pub(crate) fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// The installed `podman`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Podman {
    pub(crate) path: PathBuf,
    /// Its version; `None` if it could not be run.
    pub(crate) version: Option<String>,
}

/// The programs that Podman needs beside itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(crate) crun: Option<PathBuf>,
    pub(crate) runc: Option<PathBuf>,
    pub(crate) conmon: Option<PathBuf>,
    /// The init that Podman puts into containers as PID 1.
    pub(crate) catatonit: Option<PathBuf>,
    pub(crate) netavark: Option<PathBuf>,
    pub(crate) aardvark_dns: Option<PathBuf>,
    /// A directory of CNI plugins, what Podman used before netavark.
    pub(crate) cni: Option<PathBuf>,
    pub(crate) slirp4netns: Option<PathBuf>,
    pub(crate) pasta: Option<PathBuf>,
    pub(crate) newuidmap: Option<PathBuf>,
    pub(crate) newgidmap: Option<PathBuf>,
}

/// The IDs that the account may hand out inside its containers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct IdRanges {
    /// How many user IDs `/etc/subuid` grants.
    pub(crate) uids: u64,
    /// How many group IDs `/etc/subgid` grants.
    pub(crate) gids: u64,
    /// The first ID above all that either file grants to anybody.
    pub(crate) free: u64,
}

/// `/dev/net/tun`, which the rootless network needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tun {
    Usable,
    /// It is there and we may not open it.
    Closed,
    Missing,
}

/// How control groups are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cgroups {
    /// One hierarchy, version 2.
    Unified,
    /// Version 1, with a version 2 beside it that owns some controllers. crun refuses this.
    Hybrid,
    /// Version 1, perhaps with a version 2 beside it that owns nothing.
    Legacy,
    /// None that we can see.
    None,
}

impl Machine {
    /// The runtime that Podman has to be told to use here, if its own choice would not work.
    ///
    /// crun refuses a hybrid hierarchy; runc does not mind.
    pub(crate) fn runtime_to_name(&self) -> Option<&'static str> {
        let crun_refuses = self.cgroups == Cgroups::Hybrid;
        (crun_refuses && self.programs.runc.is_some()).then_some("runc")
    }
}
