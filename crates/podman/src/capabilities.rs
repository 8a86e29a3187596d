//! What not every Podman can do everywhere: one table, for the document and for refusals.
//!
//! A method that depends on a row asks [`PodmanEngine::needs`] first.

use crate::PodmanEngine;
use crate::answers::Info;
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{Call, Capability, EngineInfo, Limits, Result, System};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long is believed what Podman said of itself: it looks up packages for that.
const BELIEVED: Duration = Duration::from_secs(30);
/// Where descriptions of devices are, for the Container Device Interface.
const CDI: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];

/// How long what can be done on the host, which hardly ever changes.
const LASTING: Duration = Duration::from_secs(600);
/// How health checks are run where Podman does not.
const BY_US: &str = "Podlane runs them: Podman leaves that to systemd, which is not there";
/// Is there where systemd runs.
const SYSTEMD: &str = "/run/systemd/system";

/// The row of what a pause depends on.
pub(crate) const PAUSE: &str = "containers.pause";

/// What an answer is remembered with.
pub(crate) type Remembered = tokio::sync::Mutex<Option<(Instant, EngineInfo)>>;

/// What a row looks at.
#[derive(Debug)]
struct Host<'a> {
    info: &'a EngineInfo,
    /// Whether there are agents, and whether they get descriptors.
    agents: Option<bool>,
}

/// On what something depends.
enum Needs {
    /// On a Podman from this version on. Of earlier ones the reason.
    Since((u32, u32), &'static str, &'static str),
    /// On the host, for whatever Podman: how it is done, if that is worth saying, or why it can't be.
    Host(fn(&Host) -> Result<Option<&'static str>, &'static str>),
}

struct Row {
    name: &'static str,
    what: &'static str,
    needs: Needs,
}

const TABLE: &[Row] = &[
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
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', '-']).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

impl Row {
    fn capability(&self, host: &Host) -> Capability {
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

impl PodmanEngine {
    /// What Podman has said of itself, not longer ago than that. Whoever asks while another one does waits
    /// for that answer.
    async fn said_within(&self, call: &Call, age: Duration) -> Result<EngineInfo> {
        let request = requests::info();
        let Ok(mut remembered) = timeout_at(call.deadline, self.remembered().lock()).await else {
            return Err(crate::connection::timed_out(call, request.step));
        };
        if let Some((when, info)) = &*remembered
            && when.elapsed() < age
        {
            return Ok(info.clone());
        }
        let info: Info = self.connection().json(call, &request).await?;
        let mut info = EngineInfo::from(info);
        // One that uses control groups by itself has systemd's timers all the same.
        info.runs_checks |= Path::new(SYSTEMD).exists();
        *remembered = Some((Instant::now(), info.clone()));
        Ok(info)
    }

    async fn table(&self, call: &Call, age: Duration) -> Result<Vec<Capability>> {
        let info = self.said_within(call, age).await?;
        let host = Host {
            info: &info,
            agents: self.agents().map(|agents| agents.gives_descriptors()),
        };
        Ok(TABLE.iter().map(|row| row.capability(&host)).collect())
    }

    /// What the table says of one row.
    async fn row(&self, call: &Call, name: &'static str) -> Result<Option<Capability>> {
        let mut rows = self.table(call, LASTING).await?.into_iter();
        Ok(rows.find(|row| row.name == name))
    }

    /// Refuses what a row of the table says can't be done here.
    pub(crate) async fn needs(&self, call: &Call, name: &'static str) -> Result<()> {
        self.row(call, name)
            .await?
            .map_or(Ok(()), Capability::needed)
    }

    /// Whether a row of the table says that it can be done here.
    pub(crate) async fn supports(&self, call: &Call, name: &'static str) -> Result<bool> {
        Ok(self.row(call, name).await?.is_none_or(|row| row.supported))
    }

    /// Whether what a network has taken in is told as what it has put out.
    pub(crate) async fn swaps_networks(&self, call: &Call) -> Result<bool> {
        let info = self.said_within(call, LASTING).await?;
        Ok(version(&info.version).is_some_and(|version| version < (4, 4)))
    }

    /// Refuses limits that this host can't keep.
    pub(crate) async fn needs_limits(&self, call: &Call, limits: &Limits) -> Result<()> {
        for (wanted, name) in [
            (limits.memory.is_some(), "limits.memory"),
            (limits.milli_cpus.is_some(), "limits.cpus"),
            (limits.pids.is_some(), "limits.pids"),
        ] {
            if wanted {
                self.needs(call, name).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl System for PodmanEngine {
    async fn info(&self, call: &Call) -> Result<EngineInfo> {
        self.said_within(call, BELIEVED).await
    }

    async fn capabilities(&self, call: &Call) -> Result<Vec<Capability>> {
        self.table(call, BELIEVED).await
    }

    fn trouble(&self) -> Option<String> {
        self.service_trouble()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::State;
    use std::collections::HashSet;

    fn supported(info: &EngineInfo, agents: Option<bool>, name: &str) -> bool {
        let host = Host { info, agents };
        let row = TABLE.iter().find(|row| row.name == name).expect("a row");
        let told = row.capability(&host);
        assert_eq!(told.supported, told.reason.is_none(), "{told:?}");
        told.supported
    }

    fn podman(version: &str) -> EngineInfo {
        EngineInfo {
            version: version.into(),
            ..EngineInfo::default()
        }
    }

    #[test]
    fn names_are_one_of_a_kind() {
        let names: HashSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn versions_decide_what_they_decide() {
        for (version, name, expected) in [
            ("4.3.1", "logs.nanoseconds", false),
            ("5.4.2", "logs.nanoseconds", false),
            ("5.8.6", "logs.nanoseconds", true),
            ("5.10.0-dev", "logs.nanoseconds", true),
            ("6.0.0", "logs.nanoseconds", true),
            ("4.3.1", "containers.start_error", false),
            ("4.4.0", "containers.start_error", true),
            ("4.3.1", "containers.oom", false),
            ("5.4.2", "containers.oom", true),
            ("4.9.9", "exec.sessions_forgotten", false),
            ("5.0.0-rc1", "exec.sessions_forgotten", true),
            ("odd", "exec.sessions_forgotten", true),
        ] {
            assert_eq!(
                supported(&podman(version), None, name),
                expected,
                "{version} {name}"
            );
        }
    }

    #[test]
    fn a_service_of_our_own_says_what_is_the_matter() {
        let (state, watched) = tokio::sync::watch::channel(State::Starting);
        let engine = PodmanEngine::new("/nowhere".into(), None);
        assert_eq!(engine.trouble(), None);
        let engine = engine.with_service(watched).expect("not shared");
        assert!(
            engine
                .trouble()
                .is_some_and(|text| text.ends_with("does not answer yet"))
        );
        state.send_replace(State::Down {
            reason: "it ended with exit status 125: out of luck".into(),
            retry_in: Duration::from_millis(1500),
        });
        let text = engine.trouble().expect("trouble");
        assert!(
            text.contains("out of luck") && text.ends_with("after 1.5 seconds"),
            "{text}"
        );
        let version = "5.4.2".into();
        state.send_replace(State::Ready { version });
        assert_eq!(engine.trouble(), None);
    }

    #[test]
    fn the_host_decides_the_rest() {
        let mut info = podman("5.8.6");
        assert!(supported(&info, None, "stats") && supported(&info, None, "limits.cpus"));
        assert!(supported(&info, None, PAUSE));
        info.cgroup_controllers = vec!["memory".into(), "pids".into()];
        assert!(supported(&info, None, "limits.memory"));
        assert!(!supported(&info, None, "limits.cpus"));
        (info.rootless, info.cgroup_version) = (true, "v1".into());
        info.cgroup_controllers.clear();
        assert!(!supported(&info, None, "stats") && !supported(&info, None, "limits.memory"));
        assert!(!supported(&info, None, PAUSE));
        for (agents, stream, descriptors) in [
            (None, false, false),
            (Some(false), true, false),
            (Some(true), true, true),
        ] {
            assert_eq!(supported(&info, agents, "exec.stream"), stream);
            assert_eq!(supported(&info, agents, "exec.descriptors"), descriptors);
        }
        assert!(!supported(&info, None, "confinement.selinux"));
        info.confinement.selinux = true;
        assert!(supported(&info, None, "confinement.selinux"));
    }
}
