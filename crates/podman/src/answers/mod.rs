//! Libpod's answers, read into our nouns. Unknown fields are ignored: newer versions add some.

mod files;
mod images;
mod info;
mod inspect;
mod kept;
mod list;
mod observe;
mod pods;
mod settings;

pub(crate) use files::PathStat;
pub(crate) use images::{
    CountedLine, InspectedImage, ListedImage, LoadReport, PrunedImage, RemoveReport, WorkLine,
};
pub(crate) use info::Info;
pub(crate) use inspect::{Checked, InspectedContainer};
pub(crate) use kept::{KeptNetwork, KeptSecret, KeptVolume, RemovedNetwork};
pub(crate) use list::ListedContainer;
pub(crate) use observe::{ChangedPath, ContainerStats, DiskReport, ProcessTable, StatsReport};
pub(crate) use pods::{InspectedPod, ListedPod};

use podlane_engine::{ContainerId, Error, PublishedPort, Result, Status};
use serde::Deserialize;

/// An image's reference as people write it: Docker Hub need not be named.
fn familiar(reference: &str) -> String {
    let short = reference
        .strip_prefix("docker.io/library/")
        .or_else(|| reference.strip_prefix("docker.io/"));
    short.unwrap_or(reference).to_owned()
}

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
