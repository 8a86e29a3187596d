//! One container in full.

use super::pods::pod_of;
use super::settings::{self, settings};
use super::{familiar, id, sorted, specific, status};
use podlane_engine::{
    Container, ContainerId, Health, Protocol, PublishedPort, Result, Settings, Status,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Go's zero time, which libpod writes for "never".
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What root needs for files that are not its own. Source: capabilities(7).
const EVERY_FILE: [&str; 3] = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedContainer {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    state: State,
    #[serde(default)]
    image: String,
    #[serde(default)]
    image_name: String,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    host_config: HostConfig,
    #[serde(default)]
    network_settings: NetworkSettings,
    #[serde(default)]
    mounts: Option<Vec<Mount>>,
    #[serde(default)]
    bounding_caps: Option<Vec<String>>,
    #[serde(default)]
    pod: String,
    #[serde(default)]
    is_infra: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    status: String,
    #[serde(default)]
    exit_code: i32,
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    started_at: String,
    #[serde(default)]
    finished_at: String,
    #[serde(default)]
    pid: i32,
    #[serde(default)]
    conmon_pid: i32,
    #[serde(default)]
    cgroup_path: String,
    #[serde(default)]
    health: Option<Checked>,
}

/// What the health check says. Podman 4.3 and later leave it out, or empty, where there is none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Checked {
    #[serde(default)]
    status: String,
}

impl Checked {
    pub(crate) fn health(&self) -> Option<Health> {
        match self.status.as_str() {
            "starting" => Some(Health::Starting),
            "healthy" => Some(Health::Healthy),
            "unhealthy" => Some(Health::Unhealthy),
            _ => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    user: String,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    working_dir: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    tty: bool,
    #[serde(default)]
    open_stdin: bool,
    #[serde(flatten)]
    kept: settings::Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default)]
    init: bool,
    #[serde(default)]
    auto_remove: bool,
    #[serde(flatten)]
    kept: settings::HostConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default)]
    ports: Option<BTreeMap<String, Option<Vec<HostBinding>>>>,
    #[serde(default)]
    networks: Option<BTreeMap<String, settings::Network>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HostBinding {
    #[serde(default)]
    host_ip: String,
    #[serde(default)]
    host_port: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mount {
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    destination: String,
    #[serde(rename = "RW", default)]
    writable: bool,
}

fn happened(time: &str) -> Option<String> {
    (!time.is_empty() && time != NEVER).then(|| time.to_owned())
}

/// Whether libpod's note is of a start that failed. 5.x also notes a start of what ran already.
fn start_failed(error: &str) -> bool {
    !error.is_empty() && !error.ends_with(": container is running")
}

impl InspectedContainer {
    pub(crate) fn labels(&self) -> Option<&BTreeMap<String, String>> {
        self.config.labels.as_ref()
    }

    /// Whether its main process has a terminal.
    pub(crate) fn has_terminal(&self) -> bool {
        self.config.tty
    }

    /// Whether its main process can be written to.
    pub(crate) fn reads_input(&self) -> bool {
        self.config.tty || self.config.open_stdin
    }

    /// Whether its main process has ever run. After a reboot Podman 4.3 lists containers that did run
    /// as created; their start time stays.
    pub(crate) fn ever_started(&self) -> bool {
        happened(&self.state.started_at).is_some()
    }

    /// Whether it goes with its end.
    pub(crate) fn is_fleeting(&self) -> bool {
        self.host_config.auto_remove
    }

    /// The main process as the engine's PID namespace numbers it.
    pub(crate) fn pid(&self) -> Option<i32> {
        (self.state.pid > 0).then_some(self.state.pid)
    }

    pub(crate) fn is_paused(&self) -> bool {
        status(&self.state.status) == Status::Paused
    }

    /// The process that waits for its end, numbered alike.
    pub(crate) fn monitor(&self) -> Option<i32> {
        (self.state.conmon_pid > 0).then_some(self.state.conmon_pid)
    }

    /// Where its control group is, while it runs.
    pub(crate) fn group(&self) -> &str {
        &self.state.cgroup_path
    }

    pub(crate) fn id(&self) -> Result<ContainerId> {
        id(&self.id, "looking up the container")
    }

    pub(crate) fn container(self) -> Result<Container> {
        let id = self.id()?;
        let state = status(&self.state.status);
        let finished = happened(&self.state.finished_at);
        let ended = state == Status::Exited;
        let mut command = vec![self.path];
        command.extend(self.args.unwrap_or_default());
        // With the engine's init as PID 1 the path is that of the init; what people gave is the command.
        if self.host_config.init {
            command = self
                .config
                .cmd
                .filter(|given| !given.is_empty())
                .unwrap_or(command);
        }
        let environment = self.config.env.unwrap_or_default();
        let environment = environment.iter().map(|variable| {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            (name.to_owned(), value.to_owned())
        });
        let mounts = self.mounts.unwrap_or_default().into_iter().map(|mount| {
            let source = if mount.kind == "volume" {
                mount.name
            } else {
                mount.source
            };
            (source, mount.destination, !mount.writable)
        });
        let capabilities = self.bounding_caps.unwrap_or_default();
        let all_files = EVERY_FILE
            .iter()
            .all(|needed| capabilities.iter().any(|has| has == needed));
        let settings = Settings {
            tty: self.config.tty,
            stdin: self.config.open_stdin,
            ..settings(
                id.short(),
                self.config.kept,
                self.host_config.kept,
                self.network_settings.networks,
            )
        };
        let pod = pod_of(&self.pod, "looking up the container")?;
        Ok(Container {
            id,
            pod,
            infra: self.is_infra,
            first_limits: settings.limits,
            settings,
            name: self.name,
            status: state,
            image: familiar(&self.image_name),
            image_id: self.image,
            command,
            environment: environment.collect(),
            user: self.config.user,
            workdir: self.config.working_dir,
            labels: self.config.labels.unwrap_or_default(),
            ports: ports(self.network_settings.ports.unwrap_or_default()),
            mounts: mounts.collect(),
            init: self.host_config.init,
            created: self.created,
            started: happened(&self.state.started_at),
            exit_code: (ended && finished.is_some()).then_some(self.state.exit_code),
            oom_killed: self.state.oom_killed,
            finished,
            all_files,
            health: self.state.health.as_ref().and_then(Checked::health),
            error: Some(self.state.error).filter(|error| start_failed(error)),
        })
    }
}

pub(super) fn ports(inspected: BTreeMap<String, Option<Vec<HostBinding>>>) -> Vec<PublishedPort> {
    let mut found = Vec::new();
    for (inner, bindings) in inspected {
        let (port, protocol) = inner.split_once('/').unwrap_or((&inner, "tcp"));
        let (Ok(container), Some(protocol)) = (port.parse(), Protocol::parse(protocol)) else {
            continue;
        };
        for binding in bindings.unwrap_or_default() {
            let Ok(host) = binding.host_port.parse() else {
                continue;
            };
            found.push(PublishedPort {
                host_ip: specific(&binding.host_ip),
                host,
                container,
                protocol,
            });
        }
    }
    sorted(found)
}
