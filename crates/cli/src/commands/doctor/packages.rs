//! What to type to install something, by distribution.

use crate::machine::{Account, Distribution};

/// A package, by its names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    debian: &'static str,
    fedora: &'static str,
}

const fn package(debian: &'static str, fedora: &'static str) -> Package {
    Package { debian, fedora }
}

pub(super) const PODMAN: Package = package("podman", "podman");
pub(super) const CRUN: Package = package("crun", "crun");
pub(super) const RUNC: Package = package("runc", "runc");
pub(super) const CONMON: Package = package("conmon", "conmon");
pub(super) const CATATONIT: Package = package("catatonit", "catatonit");
pub(super) const NETAVARK: Package = package("netavark aardvark-dns", "netavark aardvark-dns");
pub(super) const AARDVARK: Package = package("aardvark-dns", "aardvark-dns");
pub(super) const UIDMAP: Package = package("uidmap", "shadow-utils");
pub(super) const SLIRP4NETNS: Package = package("slirp4netns", "slirp4netns");
pub(super) const PASTA: Package = package("passt", "passt");

/// The command that installs a package.
pub(super) fn install(package: Package, distribution: &Distribution, account: &Account) -> String {
    match distribution {
        Distribution::Debian => as_root(account, &format!("apt-get install -y {}", package.debian)),
        Distribution::Fedora => as_root(account, &format!("dnf install -y {}", package.fedora)),
        Distribution::Other(_) => {
            let name = package.fedora;
            format!("your package manager's command to install {name}")
        }
    }
}

/// A command that needs root.
pub(super) fn as_root(account: &Account, command: &str) -> String {
    if account.is_root() {
        command.to_owned()
    } else {
        format!("sudo {command}")
    }
}
