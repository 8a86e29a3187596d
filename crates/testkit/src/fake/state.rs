//! What the fake engine holds: images, containers, exec sessions.

use super::answer::Refusal;
use super::fault::Faults;
use super::image::Image;
use super::inside::Inside;
use super::journal::Journal;
use super::{FakeRuntime, FakeVersion, ImageKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;
use tokio::sync::watch;

/// Everything that handlers share. It outlives the listener, as containers outlive Podman's service.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) version: FakeVersion,
    pub(super) faults: Faults,
    pub(super) journal: Journal,
    /// How much has happened.
    pub(super) happened: watch::Sender<usize>,
    state: Mutex<State>,
}

impl Core {
    pub(super) fn new(version: FakeVersion) -> Self {
        Self {
            version,
            faults: Faults::default(),
            journal: Journal::default(),
            happened: watch::Sender::new(0),
            state: Mutex::new(State {
                next_port: 40000,
                ..State::default()
            }),
        }
    }

    /// The state. Never held across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happens, and tells those who listen.
    pub(super) fn happens(&self, state: &mut State, event: Value) {
        state.events.push(event);
        self.happened.send_replace(state.events.len());
    }

    /// Ends every process, as the machine's power switch would.
    pub(super) fn kill_all(&self) {
        for container in &self.state().containers {
            container.inside.processes.kill_all();
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) runtime: FakeRuntime,
    pub(super) images: Vec<Image>,
    /// Images that a pull finds.
    pub(super) registry: Vec<Image>,
    pub(super) containers: Vec<Container>,
    /// What has happened, the oldest first.
    pub(super) events: Vec<Value>,
    pub(super) execs: BTreeMap<String, Exec>,
    /// Volumes, networks and secrets by name, as inspect tells them.
    pub(super) volumes: BTreeMap<String, Value>,
    pub(super) networks: BTreeMap<String, Value>,
    pub(super) secrets: BTreeMap<String, Value>,
    pub(super) pods: Vec<Pod>,
    next_port: u16,
}

/// A container's state, by Podman's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Running,
    Paused,
    Stopping,
    Exited,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
        }
    }

    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopping)
    }
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) host_ip: String,
    pub(super) host: u16,
    pub(super) container: u16,
    pub(super) protocol: String,
}

/// A bind mount or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// The volume's name; none for a bind mount.
    pub(super) volume: Option<String>,
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) read_only: bool,
}

#[derive(Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) image_id: String,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<String>,
    /// Variables that the main process has besides, and execs have not: `HOSTNAME`, `HOME`.
    pub(super) own_environment: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) ports: Vec<Port>,
    pub(super) mounts: Vec<Mount>,
    pub(super) user: String,
    pub(super) workdir: String,
    pub(super) init: bool,
    pub(super) stop_timeout: u64,
    pub(super) created: OffsetDateTime,
    pub(super) started: Option<OffsetDateTime>,
    pub(super) finished: Option<OffsetDateTime>,
    pub(super) status: Status,
    pub(super) exit_code: i32,
    /// Whether memory was wanting, as far as the version tells it.
    pub(super) oom_killed: bool,
    pub(super) error: String,
    /// The main process, while it lives.
    pub(super) main: Option<u32>,
    pub(super) inside: Arc<Inside>,
    /// The body that it was created with.
    pub(super) spec: Value,
    /// The ID of the pod that it is in.
    pub(super) pod: Option<String>,
    /// Whether it is there to hold that pod together.
    pub(super) infra: bool,
    /// What its health checks have said.
    pub(super) health: super::handle::health::Said,
}

/// A pod. Its containers say themselves that they are in it.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) id: String,
    pub(super) name: String,
    /// The ID of the container that holds it together.
    pub(super) infra: String,
    pub(super) created: OffsetDateTime,
    /// The body that it was created with.
    pub(super) spec: Value,
}

impl Container {
    /// The environment of the main process.
    pub(super) fn full_environment(&self) -> Vec<String> {
        [&self.environment[..], &self.own_environment].concat()
    }

    /// The argument vector of the main process.
    pub(super) fn argv(&self) -> Vec<String> {
        [&self.entrypoint[..], &self.command[..]].concat()
    }
}

/// An exec session.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of the request, one for one"
)]
pub(super) struct Exec {
    pub(super) container: String,
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) user: String,
    pub(super) workdir: String,
    pub(super) terminal: bool,
    pub(super) privileged: bool,
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    pub(super) progress: Progress,
}

/// How far an exec session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Created,
    Running(u32),
    Stopped(i32),
}

impl State {
    /// Finds a container by name, ID or unambiguous beginning of an ID.
    pub(super) fn find(&mut self, name: &str) -> Result<&mut Container, Refusal> {
        let exact = |container: &Container| container.name == name || container.id == name;
        let mut at = self.containers.iter().position(exact);
        if at.is_none() && !name.is_empty() {
            let mut found = self.containers.iter().enumerate();
            at = found
                .find(|(_, container)| container.id.starts_with(name))
                .map(|(at, _)| at);
            if found.any(|(_, container)| container.id.starts_with(name)) {
                let text = format!("more than one result for container ID {name}");
                let cause = "container already exists";
                return Err(Refusal::new(500, cause, format!("{text}: {cause}")));
            }
        }
        at.map(|at| &mut self.containers[at])
            .ok_or_else(|| Refusal::no_container(name))
    }

    /// Finds a pod by name, ID or the beginning of its ID.
    pub(super) fn pod(&self, name: &str) -> Result<&Pod, Refusal> {
        let is = |pod: &&Pod| pod.name == name || pod.id.starts_with(name);
        self.pods.iter().find(is).ok_or_else(|| {
            let message = format!("no pod with name or ID {name} found: no such pod");
            Refusal::wrapped(404, &message)
        })
    }

    /// The containers in a pod.
    pub(super) fn of_pod<'s>(&'s self, pod: &'s Pod) -> impl Iterator<Item = &'s Container> {
        let all = self.containers.iter();
        all.filter(|container| container.pod.as_ref() == Some(&pod.id))
    }

    /// A container's ports: its own, or those of its pod.
    pub(super) fn ports_of(&self, container: &Container) -> Vec<Port> {
        let mut all = self.containers.iter();
        let infra = all.find(|other| other.infra && other.pod == container.pod);
        let shown = infra.filter(|_| container.pod.is_some());
        shown.unwrap_or(container).ports.clone()
    }

    pub(super) fn image(&self, reference: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.is(reference))
    }

    /// Every name that leads to an image.
    pub(super) fn names_of(&self, id: &str) -> Vec<String> {
        let images = self.images.iter().filter(|image| image.id == id);
        images.map(|image| image.name.clone()).collect()
    }

    /// Adds an image in place of one of the same name.
    pub(super) fn add_image(&mut self, image: Image) {
        self.images.retain(|old| old.name != image.name);
        self.images.push(image);
    }

    pub(super) fn add_to_registry(&mut self, name: &str, kind: ImageKind) {
        self.registry.push(Image::new(new_id(), name, kind));
    }

    /// A host port that no container has.
    pub(super) fn free_port(&mut self) -> u16 {
        loop {
            self.next_port = self.next_port.checked_add(1).unwrap_or(40000);
            let port = self.next_port;
            let mut ports = self
                .containers
                .iter()
                .flat_map(|container| &container.ports);
            if !ports.any(|taken| taken.host == port) {
                return port;
            }
        }
    }

    /// The ports of running containers that a container wants too.
    pub(super) fn taken(&self, id: &str, wanted: &[Port]) -> Option<Port> {
        let others = self.containers.iter();
        let others = others.filter(|other| other.id != id && other.status.is_live());
        let clash = |a: &Port, b: &Port| {
            let any = |ip: &str| matches!(ip, "" | "0.0.0.0");
            let same_ip = a.host_ip == b.host_ip || any(&a.host_ip) || any(&b.host_ip);
            a.host == b.host && a.protocol == b.protocol && same_ip
        };
        let mut ports = others.flat_map(|other| &other.ports);
        ports
            .find_map(|taken| wanted.iter().find(|port| clash(port, taken)))
            .cloned()
    }
}

/// 64 hexadecimal digits that were never given before.
pub(super) fn new_id() -> String {
    (0..4).fold(String::new(), |mut id, part| {
        let number = std::hash::RandomState::new().hash_one(part);
        let _never = write!(id, "{number:016x}");
        id
    })
}
