//! What an engine tells of a container.

use crate::{ContainerId, Error, Limits, PodId, Protocol, Result, Settings, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A row of the container list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The full ID.
    pub id: ContainerId,
    /// The container's (first) name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// The image reference it was created from.
    pub image: String,
    /// When it was created: RFC 3339.
    pub created: String,
    /// Its published ports.
    pub ports: Vec<PublishedPort>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The pod that it is in.
    pub pod: Option<PodId>,
    /// Whether the engine made it to hold that pod together.
    pub infra: bool,
}

/// A container in full.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Container {
    /// The full ID.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// The image reference it was created from.
    pub image: String,
    /// The ID of that image, 64 hexadecimal digits.
    pub image_id: String,
    /// The argument vector of its main process.
    pub command: Vec<String>,
    /// Its environment, in the engine's order.
    pub environment: Vec<(String, String)>,
    /// The user its main process runs as; empty for the image's default.
    pub user: String,
    /// The directory its main process starts in.
    pub workdir: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its published ports, with the host ports that were chosen.
    pub ports: Vec<PublishedPort>,
    /// Its mounts: source (path or volume name), destination, read-only.
    pub mounts: Vec<(String, String, bool)>,
    /// Whether the engine's init is its PID 1.
    pub init: bool,
    /// When it was created: RFC 3339.
    pub created: String,
    /// When its main process was last started: RFC 3339; `None` before the first start.
    pub started: Option<String>,
    /// When its main process last ended: RFC 3339; `None` while it never has.
    pub finished: Option<String>,
    /// How its main process last ended; `None` while it never has.
    pub exit_code: Option<i32>,
    /// Whether it ended for want of memory, as far as the engine says so: Podman 4.3 never does.
    pub oom_killed: bool,
    /// Whether root in it may use every file: it has the capabilities `CHOWN`, `DAC_OVERRIDE` and `FOWNER`.
    pub all_files: bool,
    /// Why its last start failed, if the engine keeps that.
    pub error: Option<String>,
    /// How it is kept.
    pub settings: Settings,
    /// The limits that it has when it is started anew: others where the engine forgets a change.
    pub first_limits: Limits,
    /// What its health check says; `None` if it has none.
    pub health: Option<Health>,
    /// The pod that it is in.
    pub pod: Option<PodId>,
    /// Whether the engine made it to hold that pod together.
    pub infra: bool,
}

impl Container {
    /// It, unless it is there only to hold its pod together: such a one is outside of whatever holds for
    /// containers that were asked for, and is only looked at.
    pub fn usable(self) -> Result<Self> {
        if !self.infra {
            return Ok(self);
        }
        let pod = self.pod.as_ref().map_or("its pod", PodId::short);
        Err(Error::WrongState {
            message: format!(
                "this container holds the pod {pod} together, and nothing is done with it alone: use the pod"
            ),
        })
    }

    /// What the list says of it.
    #[must_use]
    pub fn summary(self) -> ContainerSummary {
        ContainerSummary {
            id: self.id,
            name: self.name,
            status: self.status,
            image: self.image,
            created: self.created,
            ports: self.ports,
            labels: self.labels,
            pod: self.pod,
            infra: self.infra,
        }
    }
}

/// What a container's health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has not said yet.
    Starting,
    /// All is well.
    Healthy,
    /// It has failed too often in a row.
    Unhealthy,
}

impl Health {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// A host port that leads into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedPort {
    /// The host address; `None` for all.
    pub host_ip: Option<IpAddr>,
    /// The host port.
    pub host: u16,
    /// The container port.
    pub container: u16,
    /// Its protocol.
    pub protocol: Protocol,
}
