//! Pods: containers that have one network, one host name and one set of IPC objects together.

use crate::{
    Call, Change, ContainerId, Membership, PodId, PodName, PortMapping, PublishedPort, Result,
    Signal, Status,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A pod to be made. What it says of the network holds for all its containers.
#[derive(Debug, Clone)]
pub struct NewPod {
    /// Its name, which no container has either.
    pub name: PodName,
    /// Labels for the engine to keep.
    pub labels: BTreeMap<String, String>,
    /// Host ports that lead into it.
    pub ports: Vec<PortMapping>,
    /// The host name; its own name if `None`.
    pub hostname: Option<String>,
    /// The networks it is in, by name: none if empty, the engine's own choice if `None`.
    pub networks: Option<BTreeMap<String, Membership>>,
    /// Its name servers.
    pub dns: Vec<IpAddr>,
    /// Entries of its hosts file.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// The state of a pod: that of its containers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodStatus {
    /// Nothing of it was ever started.
    Created,
    /// All its containers run.
    Running,
    /// Some of its containers run.
    Degraded,
    /// Its containers are frozen.
    Paused,
    /// No container of it runs any more.
    Exited,
    /// The engine does not know.
    Unknown,
}

impl PodStatus {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Paused => "paused",
            Self::Exited => "exited",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PodStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A container in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodMember {
    /// The full ID.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: Status,
}

/// A row of the list of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSummary {
    /// The full ID.
    pub id: PodId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: PodStatus,
    /// When it was created: RFC 3339.
    pub created: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The networks it is in, by name.
    pub networks: Vec<String>,
    /// The container of the engine's own that holds the pod together, if there is one.
    pub infra: Option<ContainerId>,
    /// The other containers in it, by name.
    pub containers: Vec<PodMember>,
}

/// A pod in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// What the list tells of it.
    pub summary: PodSummary,
    /// The host name, if one was given.
    pub hostname: Option<String>,
    /// Its published ports, with the host ports that were chosen.
    pub ports: Vec<PublishedPort>,
    /// The name servers that were given.
    pub dns: Vec<IpAddr>,
    /// The entries of the hosts file that were given.
    pub hosts: BTreeMap<String, IpAddr>,
    /// Whether this engine made it, so that nothing in it can be what [`NewPod`] has no word for.
    pub own: bool,
}

/// The pod that a new container joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodPlace {
    /// The pod.
    pub id: PodId,
    /// What holds it together.
    pub infra: Option<ContainerId>,
}

/// What a document of Kubernetes' is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeOf {
    /// A pod.
    Pod(PodId),
    /// A container that is in no pod.
    Container(ContainerId),
}

/// The part of an engine that keeps pods.
#[async_trait]
pub trait Pods {
    /// Makes a pod and starts nothing. It is there, or nothing of it is left behind.
    /// [`Error::NameInUse`](crate::Error::NameInUse) if there is a pod or a container of that name.
    async fn create_pod(&self, call: &Call, new: &NewPod) -> Result<PodId>;

    /// Every pod.
    async fn pods(&self, call: &Call) -> Result<Vec<PodSummary>>;

    /// Finds a pod by name, ID or unambiguous ID prefix.
    async fn pod(&self, call: &Call, name: &PodName) -> Result<Pod>;

    /// Starts every container of a pod that does not run.
    async fn start_pod(&self, call: &Call, id: &PodId) -> Result<Change>;

    /// Stops every container of a pod, as [`Engine::stop`](crate::Engine::stop) does one.
    async fn stop_pod(&self, call: &Call, id: &PodId, grace: Option<Duration>) -> Result<Change>;

    /// Sends a signal to the main process of every running container of a pod.
    /// [`Error::WrongState`](crate::Error::WrongState) if none runs.
    async fn kill_pod(&self, call: &Call, id: &PodId, signal: Signal) -> Result<()>;

    /// Freezes every running container of a pod.
    async fn pause_pod(&self, call: &Call, id: &PodId) -> Result<()>;

    /// Lets every frozen container of a pod go on.
    async fn unpause_pod(&self, call: &Call, id: &PodId) -> Result<()>;

    /// Removes a pod with its containers and their anonymous volumes.
    /// [`Error::WrongState`](crate::Error::WrongState), and nothing is removed, if one of them runs, unless by
    /// `force`, which kills them at once.
    async fn remove_pod(&self, call: &Call, id: &PodId, force: bool) -> Result<()>;

    /// Documents of Kubernetes', in YAML, that ask for what is there.
    async fn generate_kube(&self, call: &Call, of: &KubeOf) -> Result<String>;
}
