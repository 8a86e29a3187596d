//! What Podman needs beside itself.

use super::super::diagnosis::Weight;
use super::super::packages;
use super::{Judge, numbers};
use crate::machine::{Cgroups, Tun};

impl Judge<'_> {
    pub(super) fn runtime(&mut self) {
        let programs = &self.machine.programs;
        let (crun, runc) = (programs.crun.as_deref(), programs.runc.as_deref());
        if self.machine.cgroups == Cgroups::None {
            let text = "no control groups are mounted at /sys/fs/cgroup";
            self.say(self.missing, text);
        }
        if self.machine.cgroups != Cgroups::Hybrid {
            let found = crun.or(runc);
            let lack = (self.missing, "nothing can start a container without one");
            self.program(found, "OCI runtime", lack, packages::CRUN);
            return;
        }
        let why = "control groups are mounted in the hybrid layout, which crun refuses";
        if runc.is_none() {
            let remedy = self.install(packages::RUNC);
            let text = format!("{why}, and runc, which takes it, is not found");
            self.say(self.missing, text).remedy = Some(remedy);
            return;
        }
        self.program(runc, "OCI runtime", (self.missing, ""), packages::RUNC);
        if self.machine.services.engine().is_none() {
            let text = format!("{why}; the service that Podlane starts uses runc");
            self.say(Weight::Note, text);
        } else if crun.is_some() {
            let text = format!(
                "{why}; the service that answers must be told to use runc, with runtime = \"runc\" \
                 below [engine] in containers.conf"
            );
            self.say(Weight::Note, text);
        }
    }

    pub(super) fn helpers(&mut self) {
        let programs = &self.machine.programs;
        let lack = (
            self.missing,
            "Podman can't watch over a container without it",
        );
        self.program(
            programs.conmon.as_deref(),
            "container monitor",
            lack,
            packages::CONMON,
        );
        let lack = (
            Weight::Note,
            "containers whose command ignores SIGTERM, such as `sleep`, take ten seconds to stop",
        );
        self.program(
            programs.catatonit.as_deref(),
            "init for containers",
            lack,
            packages::CATATONIT,
        );
    }

    pub(super) fn network(&mut self) {
        let programs = &self.machine.programs;
        let bridge = programs.netavark.as_deref().or(programs.cni.as_deref());
        let weight = if self.machine.account.is_root() {
            self.missing
        } else {
            Weight::Note
        };
        let lack = (weight, "containers can't be put on a bridge network");
        self.program(bridge, "bridge network", lack, packages::NETAVARK);
        if programs.netavark.is_some() {
            let lack = (Weight::Note, "containers can't find each other by name");
            let dns = programs.aardvark_dns.as_deref();
            self.program(dns, "names on bridge networks", lack, packages::AARDVARK);
        }
    }

    pub(super) fn rootless(&mut self) {
        let programs = &self.machine.programs;
        let lack = (
            self.missing,
            "containers of an ordinary account can't have users of their own",
        );
        self.program(
            programs.newuidmap.as_deref(),
            "newuidmap",
            lack,
            packages::UIDMAP,
        );
        self.program(
            programs.newgidmap.as_deref(),
            "newgidmap",
            lack,
            packages::UIDMAP,
        );
        self.id_ranges();
        if !self.machine.user_namespaces {
            let remedy = self.as_root(
                "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
            );
            let text = "ordinary accounts may not make user namespaces here";
            self.say(self.missing, text).remedy = Some(remedy);
        }
        // Podman 5 goes through pasta unless told otherwise, earlier ones through slirp4netns.
        let version = self
            .machine
            .podman
            .as_ref()
            .and_then(|p| p.version.as_deref());
        let pasta = version
            .and_then(numbers)
            .is_some_and(|(major, _)| major >= 5);
        let (found, package) = if pasta {
            (programs.pasta.as_deref(), packages::PASTA)
        } else {
            (programs.slirp4netns.as_deref(), packages::SLIRP4NETNS)
        };
        let lack = (
            self.missing,
            "containers of an ordinary account can't have a network",
        );
        self.program(found, "rootless network", lack, package);
        let (text, command) = match self.machine.tun {
            Tun::Usable => return,
            Tun::Missing => ("is missing", "modprobe tun"),
            Tun::Closed => (
                "may not be opened by this account",
                "chmod 0666 /dev/net/tun",
            ),
        };
        let remedy = self.as_root(command);
        let text = format!("/dev/net/tun {text}; containers can't have a network without it");
        self.say(self.missing, text).remedy = Some(remedy);
    }

    fn id_ranges(&mut self) {
        const USUAL: u64 = 65_536;
        let ranges = self.machine.id_ranges;
        let name = &self.machine.account.name;
        if ranges.uids > 0 && ranges.gids > 0 {
            let weight = if ranges.uids.min(ranges.gids) < USUAL {
                Weight::Note
            } else {
                Weight::Good
            };
            let text = format!(
                "IDs for containers: {} users and {} groups (images may use any up to {USUAL})",
                ranges.uids, ranges.gids
            );
            self.say(weight, text);
            return;
        }
        let (first, last) = (ranges.free, ranges.free + USUAL - 1);
        let remedy = self.as_root(&format!(
            "usermod --add-subuids {first}-{last} --add-subgids {first}-{last} {name} && podman system migrate"
        ));
        let text = format!("/etc/subuid and /etc/subgid grant {name} no IDs for containers");
        self.say(self.missing, text).remedy = Some(remedy);
    }
}
