//! The creation of a container.

use super::settings::Kept;
use super::{ATTEMPT_LABEL, Request};
use crate::agent::{AGENT_LABEL, AGENT_OFF};
use crate::instance::Attempt;
use podlane_engine::{ContainerSpec, HostPort, Init, InnerPath, MountSource, PodPlace};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What has to be asked for differently on this host than by default, learnt from a failed start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Adaptation {
    /// Limits to set in place of the engine's, which it may not set itself here.
    pub(crate) limits: Option<ResourceLimits>,
    /// Whether the engine has no init to offer.
    pub(crate) no_init: bool,
}

impl Adaptation {
    /// Whether the engine's init is asked for as PID 1.
    pub(crate) fn gives_init(self, init: Init) -> bool {
        match init {
            Init::Off => false,
            Init::Preferred => !self.no_init,
            Init::Required => true,
        }
    }
}

/// Hard limits that this host lets a container have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceLimits {
    pub(crate) open_files: u64,
    pub(crate) processes: u64,
}

pub(crate) fn create_container(
    spec: &ContainerSpec,
    attempt: &Attempt,
    adaptation: Adaptation,
) -> Request {
    let body = Create::new(spec, attempt, adaptation);
    let mut request = Request::post("creating the container", "/containers/create").json(&body);
    spec.name.as_str().clone_into(&mut request.about.name);
    spec.image.as_str().clone_into(&mut request.about.image);
    if let Some(user) = &spec.user {
        user.as_str().clone_into(&mut request.about.user);
    }
    request
}

/// The part of libpod's `SpecGenerator` that we use. Source: `pkg/specgen/specgen.go`.
#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    entrypoint: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    command: &'a [String],
    env: &'a BTreeMap<String, String>,
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "create_working_dir")]
    make_workdir: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    portmappings: Vec<PortMapping>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<FileSystem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<NamedVolume<'a>>,
    init: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<&'a str>,
    #[serde(flatten)]
    kept: Kept<'a>,
}

#[derive(Serialize)]
pub(super) struct PortMapping {
    #[serde(skip_serializing_if = "Option::is_none")]
    host_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_port: Option<u16>,
    container_port: u16,
    protocol: &'static str,
}

impl From<&podlane_engine::PortMapping> for PortMapping {
    fn from(port: &podlane_engine::PortMapping) -> Self {
        Self {
            host_ip: port.host_ip.map(|ip| ip.to_string()),
            host_port: match port.host {
                HostPort::Fixed(port) => Some(port),
                HostPort::Free => None,
            },
            container_port: port.container,
            protocol: port.protocol.as_str(),
        }
    }
}

#[derive(Serialize)]
struct FileSystem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    source: &'a str,
    destination: &'a str,
    options: Vec<Cow<'static, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamedVolume<'a> {
    name: &'a str,
    dest: &'a str,
    options: [&'static str; 1],
}

#[derive(Serialize)]
pub(super) struct Limit {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) soft: u64,
    pub(super) hard: u64,
}

impl<'a> Create<'a> {
    fn new(spec: &'a ContainerSpec, attempt: &'a Attempt, adaptation: Adaptation) -> Self {
        let mut labels: BTreeMap<&str, &str> = spec
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        labels.insert(ATTEMPT_LABEL, attempt.as_str());
        if !spec.agent {
            labels.insert(AGENT_LABEL, AGENT_OFF);
        }
        let access = |read_only| if read_only { "ro" } else { "rw" };
        let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
        for mount in &spec.mounts {
            let destination = mount.destination.as_str();
            let access = access(mount.read_only);
            match &mount.source {
                MountSource::Host(source) => mounts.push(FileSystem {
                    kind: "bind",
                    source,
                    destination,
                    options: vec!["rbind".into(), access.into()],
                }),
                MountSource::Volume(name) => {
                    volumes.push(NamedVolume {
                        name,
                        dest: destination,
                        options: [access],
                    });
                }
            }
        }
        for (place, tmpfs) in &spec.settings.tmpfs {
            let size = tmpfs.size.map(|size| format!("size={size}").into());
            let mode = tmpfs.mode.map(|mode| format!("mode={mode:o}").into());
            mounts.push(FileSystem {
                kind: "tmpfs",
                source: "tmpfs",
                destination: place.as_str(),
                options: size.into_iter().chain(mode).collect(),
            });
        }
        Self {
            name: spec.name.as_str(),
            image: spec.image.as_str(),
            entrypoint: &spec.entrypoint,
            command: &spec.command,
            env: &spec.environment,
            labels,
            user: spec.user.as_ref().map(podlane_engine::UserSpec::as_str),
            work_dir: spec.workdir.as_ref().map(InnerPath::as_str),
            make_workdir: spec.workdir.as_ref().map(|_| true),
            portmappings: spec.ports.iter().map(PortMapping::from).collect(),
            mounts,
            volumes,
            init: adaptation.gives_init(spec.init),
            pod: spec.pod.as_ref().map(|PodPlace { id, .. }| id.as_str()),
            kept: Kept::new(&spec.settings, adaptation),
        }
    }
}
