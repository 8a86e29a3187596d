//! The rows.

use podlane_engine::{Capability, EngineInfo};
use std::path::Path;

/// The row of what a pause depends on.
pub(crate) const PAUSE: &str = "containers.pause";

/// Where descriptions of devices are, for the Container Device Interface.
const CDI: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];
/// How health checks are run where Podman does not.
const BY_US: &str = "Podlane runs them: Podman leaves that to systemd, which is not there";

/// What a row looks at.
#[derive(Debug)]
pub(super) struct Host<'a> {
    pub(super) info: &'a EngineInfo,
    /// Whether there are agents, and whether they get descriptors.
    pub(super) agents: Option<bool>,
}

/// On what something depends.
enum Needs {
    /// On a Podman from this version on. Of earlier ones the reason.
    Since((u32, u32), &'static str, &'static str),
    /// On the host, for whatever Podman: how it is done, if that is worth saying, or why it can't be.
    Host(fn(&Host) -> Result<Option<&'static str>, &'static str>),
}

pub(super) struct Row {
    pub(super) name: &'static str,
    what: &'static str,
    needs: Needs,
}

pub(super) const TABLE: &[Row] = &[
    row(
        "stats",
        "what containers use",
        Needs::Host(|host| {
            unified(
                host,
                "without root Podman measures with control groups v2 only, and this host has v1",
            )
        }),
    ),
    row(
        PAUSE,
        "containers and pods that stand still and go on",
        Needs::Host(|host| {
            unified(
                host,
                "without root Podman pauses with control groups v2 only, and this host has v1",
            )
        }),
    ),
    row(
        "limits.memory",
        "limits of memory",
        Needs::Host(|host| {
            controller(
                host,
                "memory",
                "the host has no control group controller `memory` that this Podman may use",
            )
        }),
    ),
    row(
        "limits.cpus",
        "limits of processor time",
        Needs::Host(|host| {
            controller(
                host,
                "cpu",
                "the host has no control group controller `cpu` that this Podman may use",
            )
        }),
    ),
    row(
        "limits.pids",
        "limits of processes",
        Needs::Host(|host| {
            controller(
                host,
                "pids",
                "the host has no control group controller `pids` that this Podman may use",
            )
        }),
    ),
    row(
        "limits.lasting_updates",
        "changed limits that a container keeps when it is started anew",
        Needs::Since((5, 1), "5.1", "this Podman forgets them"),
    ),
    row(
        "containers.start_error",
        "the reason why a container's last start failed, in inspect",
        Needs::Since((4, 4), "4.4", "this Podman does not keep it"),
    ),
    row(
        "containers.oom",
        "whether a container ended for want of memory",
        Needs::Since((5, 0), "5.0", "this Podman does not find out"),
    ),
    row(
        "events.health",
        "what a health check says, in its event",
        Needs::Since(
            (5, 0),
            "5.0",
            "this Podman tells what the check before said",
        ),
    ),
    row(
        "events.stop",
        "the event of a stop, beside that of the end",
        Needs::Since((5, 8), "5.8", "this Podman does not tell it"),
    ),
    row(
        "events.update",
        "the event of changed limits",
        Needs::Since((5, 1), "5.1", "this Podman does not tell it"),
    ),
    row(
        "logs.nanoseconds",
        "times in logs to the nanosecond",
        Needs::Since((5, 8), "5.8", "this Podman tells whole seconds"),
    ),
    row(
        "images.pull_bytes",
        "how many bytes of each layer a pull has fetched",
        Needs::Since(
            (4, 8),
            "4.8",
            "this Podman tells it only of images whose name begins with their registry",
        ),
    ),
    row(
        "secrets.prune",
        "removing the secrets that no container uses",
        Needs::Host(|_| {
            Err(
                "Podman does not tell of which secrets containers have variables of their environment",
            )
        }),
    ),
    row(
        "exec.sessions_forgotten",
        "forgetting finished commands of the engine's own at once",
        Needs::Since(
            (5, 0),
            "5.0",
            "this Podman keeps each until its exit_command_delay is up",
        ),
    ),
    row(
        "exec.descriptors",
        "commands by an agent with descriptors",
        Needs::Host(descriptors),
    ),
    row(
        "exec.stream",
        "commands by an agent over a stream",
        Needs::Host(agents),
    ),
    row(
        "healthchecks",
        "containers' health checks, run on their interval",
        Needs::Host(|host| Ok((!host.info.runs_checks).then_some(BY_US))),
    ),
    row(
        "devices.cdi",
        "devices by names of the Container Device Interface",
        Needs::Host(|_| cdi()),
    ),
    row(
        "confinement.seccomp",
        "system calls of containers filtered",
        Needs::Host(|host| used(host.info.confinement.seccomp)),
    ),
    row(
        "confinement.apparmor",
        "containers confined by AppArmor",
        Needs::Host(|host| used(host.info.confinement.apparmor)),
    ),
    row(
        "confinement.selinux",
        "containers confined by SELinux",
        Needs::Host(|host| used(host.info.confinement.selinux)),
    ),
];

const fn row(name: &'static str, what: &'static str, needs: Needs) -> Row {
    Row { name, what, needs }
}

/// What Podman leaves alone without root where there is only the old kind of control groups.
fn unified(host: &Host, reason: &'static str) -> Result<Option<&'static str>, &'static str> {
    if host.info.rootless && host.info.cgroup_version == "v1" {
        Err(reason)
    } else {
        Ok(None)
    }
}

/// An engine that names none does not say which it has.
fn controller(
    host: &Host,
    name: &str,
    reason: &'static str,
) -> Result<Option<&'static str>, &'static str> {
    let there = &host.info.cgroup_controllers;
    let untold = there.is_empty() && !host.info.rootless;
    if untold || there.iter().any(|controller| controller == name) {
        Ok(None)
    } else {
        Err(reason)
    }
}

fn descriptors(host: &Host) -> Result<Option<&'static str>, &'static str> {
    match host.agents {
        Some(true) => Ok(None),
        Some(false) => Err("the server has no podman command"),
        None => Err("the setting exec_agent turns agents off"),
    }
}

fn agents(host: &Host) -> Result<Option<&'static str>, &'static str> {
    if host.agents.is_some() {
        Ok(None)
    } else {
        Err("the setting exec_agent turns agents off")
    }
}

fn cdi() -> Result<Option<&'static str>, &'static str> {
    let described = |directory: &str| {
        let entries = Path::new(directory).read_dir();
        entries.is_ok_and(|mut entries| entries.next().is_some())
    };
    if CDI.into_iter().any(described) {
        Ok(None)
    } else {
        Err("no device is described in /etc/cdi or /var/run/cdi of the server's machine")
    }
}

fn used(used: bool) -> Result<Option<&'static str>, &'static str> {
    if used {
        Ok(None)
    } else {
        Err("the host has it not, or Podman does not use it")
    }
}

/// The first two numbers of a version.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', '-']).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

impl Row {
    pub(super) fn capability(&self, host: &Host) -> Capability {
        let (judged, since) = match &self.needs {
            Needs::Host(judge) => (judge(host), None),
            Needs::Since(first, since, reason) => {
                // One whose version can't be read is taken for a new one.
                let old = version(&host.info.version).is_some_and(|version| version < *first);
                (if old { Err(*reason) } else { Ok(None) }, Some(*since))
            }
        };
        Capability {
            name: self.name,
            what: self.what,
            supported: judged.is_ok(),
            reason: judged.unwrap_or_else(Some).map(str::to_owned),
            since,
        }
    }
}
