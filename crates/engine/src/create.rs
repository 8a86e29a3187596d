//! What a new container shall be.

use crate::{ContainerName, ImageRef, InnerPath, PodPlace, Settings, UserSpec};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// A container to be made. Every field is checked; an engine maps it field by field.
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    /// The image to run, known to the engine.
    pub image: ImageRef,
    /// The new container's name.
    pub name: ContainerName,
    /// The program that gets the command's words; empty for the image's own. It takes the image's
    /// command away.
    pub entrypoint: Vec<String>,
    /// The argument vector; empty for the image's own command.
    pub command: Vec<String>,
    /// Variables on top of the image's.
    pub environment: BTreeMap<String, String>,
    /// Host ports that lead into the container.
    pub ports: Vec<PortMapping>,
    /// Host directories and volumes seen inside.
    pub mounts: Vec<Mount>,
    /// The user of the main process; `None` for the image's.
    pub user: Option<UserSpec>,
    /// The directory that the main process starts in; `None` for the image's.
    pub workdir: Option<InnerPath>,
    /// Labels for the engine to keep.
    pub labels: BTreeMap<String, String>,
    /// Whether the engine's own init shall be PID 1.
    pub init: Init,
    /// Whether an agent of ours may run commands in it, where the engine has one.
    pub agent: bool,
    /// The pod that it joins: then its ports, networks, host name, name servers and hosts are the pod's.
    pub pod: Option<PodPlace>,
    /// How it shall be kept.
    pub settings: Settings,
}

/// Who is PID 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The engine's init, or an error.
    Required,
    /// The engine's init if the engine has one.
    Preferred,
    /// The container's command.
    Off,
}

/// A published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortMapping {
    /// The host address to listen on; `None` for all.
    pub host_ip: Option<IpAddr>,
    /// The host port.
    pub host: HostPort,
    /// The container port, 1 to 65535.
    pub container: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

/// Which host port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostPort {
    /// This one.
    Fixed(u16),
    /// Any free one, chosen by the engine.
    Free,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The protocol's lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// The protocol of that lower-case name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp]
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A directory or volume seen inside a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it comes from.
    pub source: MountSource,
    /// Where it is seen.
    pub destination: InnerPath,
    /// Whether it can't be written inside.
    pub read_only: bool,
}

/// Where a mount comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// An absolute path on the engine's host.
    Host(String),
    /// A named volume, made if missing.
    Volume(String),
}
