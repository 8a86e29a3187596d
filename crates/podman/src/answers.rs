//! Libpod's answers, read into our nouns. Unknown fields are ignored: newer versions add some.

use podlane_engine::{
    Container, ContainerId, ContainerSummary, Error, FileKind, FileStat, Image, InnerPath,
    Protocol, PublishedPort, Result, Status,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An image's reference as people write it: Docker Hub need not be named.
fn familiar(reference: &str) -> String {
    let short = reference
        .strip_prefix("docker.io/library/")
        .or_else(|| reference.strip_prefix("docker.io/"));
    short.unwrap_or(reference).to_owned()
}

/// Go's zero time, which libpod writes for "never".
const NEVER: &str = "0001-01-01T00:00:00Z";

fn garbled(step: &str, reason: impl Into<String>) -> Error {
    Error::Garbled {
        step: step.into(),
        reason: reason.into(),
    }
}

fn id(text: &str, step: &str) -> Result<ContainerId> {
    ContainerId::parse(text).map_err(|wrong| garbled(step, wrong.to_string()))
}

fn status(word: &str) -> Status {
    match word {
        "configured" | "created" | "initialized" => Status::Created,
        "running" => Status::Running,
        "paused" => Status::Paused,
        "stopping" => Status::Stopping,
        "stopped" | "exited" => Status::Exited,
        "removing" => Status::Removing,
        _ => Status::Unknown,
    }
}

/// `{"Id": ...}`, also written `{"ID": ...}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Created {
    #[serde(rename = "Id", alias = "ID")]
    pub(crate) id: String,
}

impl Created {
    pub(crate) fn container(&self) -> Result<ContainerId> {
        id(&self.id, "creating the container")
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct InspectedImage {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Config", default)]
    config: Option<ImageConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
}

impl From<InspectedImage> for Image {
    fn from(image: InspectedImage) -> Self {
        let config = image.config.unwrap_or_default();
        Self {
            id: image.id,
            entrypoint: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
        }
    }
}

/// One line of a pull's progress; the last ones carry the result.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PullLine {
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedContainer {
    pub(crate) id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    pub(crate) labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    ports: Option<Vec<ListedPort>>,
}

/// A run of consecutive ports.
#[derive(Debug, Deserialize)]
struct ListedPort {
    #[serde(default)]
    host_ip: String,
    container_port: u16,
    host_port: u16,
    #[serde(default)]
    range: u16,
    #[serde(default)]
    protocol: String,
}

impl ListedPort {
    fn published(&self) -> Vec<PublishedPort> {
        let mut published = Vec::new();
        // Podman joins protocols with a comma in one entry.
        for protocol in self.protocol.split(',').filter_map(Protocol::parse) {
            for offset in 0..self.range.max(1) {
                published.push(PublishedPort {
                    host_ip: specific(&self.host_ip),
                    host: self.host_port.saturating_add(offset),
                    container: self.container_port.saturating_add(offset),
                    protocol,
                });
            }
        }
        published
    }
}

/// An address, unless it stands for all of them.
fn specific(address: &str) -> Option<std::net::IpAddr> {
    address
        .parse()
        .ok()
        .filter(|ip: &std::net::IpAddr| !ip.is_unspecified())
}

fn sorted(mut ports: Vec<PublishedPort>) -> Vec<PublishedPort> {
    ports.sort_by_key(|port| (port.container, port.protocol, port.host, port.host_ip));
    ports.dedup();
    ports
}

impl ListedContainer {
    pub(crate) fn summary(self) -> Result<ContainerSummary> {
        let ports = self.ports.unwrap_or_default();
        Ok(ContainerSummary {
            id: id(&self.id, "listing the containers")?,
            name: self
                .names
                .unwrap_or_default()
                .into_iter()
                .next()
                .unwrap_or_default(),
            status: status(&self.state),
            image: familiar(&self.image),
            created: self.created,
            ports: sorted(ports.iter().flat_map(ListedPort::published).collect()),
            labels: self.labels.unwrap_or_default(),
        })
    }
}

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
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    status: String,
    #[serde(default)]
    exit_code: i32,
    #[serde(default)]
    error: String,
    #[serde(default)]
    started_at: String,
    #[serde(default)]
    finished_at: String,
    #[serde(default)]
    pid: i32,
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
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default)]
    init: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default)]
    ports: Option<BTreeMap<String, Option<Vec<HostBinding>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostBinding {
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

    /// The main process as the engine's PID namespace numbers it.
    pub(crate) fn pid(&self) -> Option<i32> {
        (self.state.pid > 0).then_some(self.state.pid)
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
        Ok(Container {
            id,
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
            finished,
            error: Some(self.state.error).filter(|error| start_failed(error)),
        })
    }
}

fn ports(inspected: BTreeMap<String, Option<Vec<HostBinding>>>) -> Vec<PublishedPort> {
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedExec {
    #[serde(default)]
    pub(crate) running: bool,
    #[serde(default)]
    pub(crate) exit_code: i32,
    /// Whether it has ended: one that does not run may also not have been started yet.
    #[serde(default, rename = "CanRemove")]
    pub(crate) ended: bool,
    /// Its process as the engine's PID namespace numbers it, while it runs.
    #[serde(default)]
    pub(crate) pid: i32,
}

/// The bits of Go's `os.FileMode`, which libpod puts into JSON as a number.
mod go_mode {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const SPECIAL: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const STICKY: u32 = 1 << 20;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathStat {
    #[serde(default)]
    size: i64,
    mode: u32,
    #[serde(default)]
    link_target: String,
}

impl From<PathStat> for FileStat {
    fn from(stat: PathStat) -> Self {
        let is = |bits: u32| stat.mode & bits != 0;
        let kind = if is(go_mode::SYMLINK) {
            FileKind::Symlink
        } else if is(go_mode::DIRECTORY) {
            FileKind::Directory
        } else if is(go_mode::SPECIAL) {
            FileKind::Special
        } else {
            FileKind::Regular
        };
        let bit = |bits, value: u32| if is(bits) { value } else { 0 };
        Self {
            kind,
            size: u64::try_from(stat.size).unwrap_or_default(),
            mode: stat.mode & 0o777
                | bit(go_mode::SETUID, 0o4000)
                | bit(go_mode::SETGID, 0o2000)
                | bit(go_mode::STICKY, 0o1000),
            target: (kind == FileKind::Symlink)
                .then(|| InnerPath::parse(&stat.link_target).ok())
                .flatten(),
        }
    }
}

/// How the engine works. Source: `Info` of libpod's `define` package.
#[derive(Debug, Deserialize)]
pub(crate) struct Info {
    pub(crate) host: Host,
    pub(crate) store: Store,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Host {
    pub(crate) cgroup_manager: String,
}

/// Where it keeps containers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Store {
    pub(crate) graph_root: String,
    pub(crate) run_root: String,
    pub(crate) volume_path: String,
}
