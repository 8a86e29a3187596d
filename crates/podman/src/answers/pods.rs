//! Pods.

use super::inspect::{HostBinding, ports};
use super::{Created, garbled, id, status};
use crate::requests::POD_LABEL;
use podlane_engine::{Pod, PodId, PodMember, PodStatus, PodSummary, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

fn pod_id(text: &str, step: &str) -> Result<PodId> {
    PodId::parse(text).map_err(|wrong| garbled(step, wrong.to_string()))
}

/// The ID of the pod that a container is in; libpod writes an empty one for none.
pub(super) fn pod_of(text: &str, step: &str) -> Result<Option<PodId>> {
    if text.is_empty() {
        return Ok(None);
    }
    pod_id(text, step).map(Some)
}

impl Created {
    pub(crate) fn pod(&self) -> Result<PodId> {
        pod_id(&self.id, "creating the pod")
    }
}

fn pod_status(word: &str) -> PodStatus {
    match word {
        "Created" => PodStatus::Created,
        "Running" => PodStatus::Running,
        "Degraded" => PodStatus::Degraded,
        "Paused" => PodStatus::Paused,
        "Exited" | "Stopped" => PodStatus::Exited,
        _ => PodStatus::Unknown,
    }
}

/// A container in a pod. The list has other words for its name and state than inspect.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    id: String,
    #[serde(alias = "Names", default)]
    name: String,
    #[serde(alias = "Status", default)]
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedPod {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    infra_id: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    networks: Option<Vec<String>>,
    #[serde(default)]
    containers: Option<Vec<Member>>,
}

impl ListedPod {
    pub(crate) fn summary(self) -> Result<PodSummary> {
        let step = "listing the pods";
        let infra = Some(self.infra_id).filter(|infra| !infra.is_empty());
        let infra = infra.map(|infra| id(&infra, step)).transpose()?;
        let mut containers = Vec::new();
        for member in self.containers.unwrap_or_default() {
            let id = id(&member.id, step)?;
            if Some(&id) != infra.as_ref() {
                containers.push(PodMember {
                    id,
                    name: member.name,
                    status: status(&member.state),
                });
            }
        }
        containers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(PodSummary {
            id: pod_id(&self.id, step)?,
            name: self.name,
            status: pod_status(&self.status),
            created: self.created,
            labels: self.labels.unwrap_or_default(),
            networks: self.networks.unwrap_or_default(),
            infra,
            containers,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedPod {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    hostname: String,
    #[serde(default, rename = "InfraContainerID")]
    infra_id: String,
    #[serde(default)]
    infra_config: Option<InfraConfig>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    containers: Option<Vec<Member>>,
}

/// What the pod's own container was asked to have.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InfraConfig {
    #[serde(default)]
    port_bindings: Option<BTreeMap<String, Option<Vec<HostBinding>>>>,
    #[serde(default)]
    networks: Option<Vec<String>>,
    #[serde(default, rename = "DNSServer")]
    dns: Option<Vec<String>>,
    #[serde(default, rename = "HostAdd")]
    hosts: Option<Vec<String>>,
}

impl InspectedPod {
    /// What made it, if an engine like this one did.
    pub(crate) fn attempt(&self) -> Option<&str> {
        let label = self.labels.as_ref()?.get(POD_LABEL)?;
        Some(label)
    }

    pub(crate) fn id(&self) -> Result<PodId> {
        pod_id(&self.id, "looking up the pod")
    }

    /// Whether a container runs that was asked for.
    pub(crate) fn is_live(&self) -> bool {
        let mut members = self.containers.iter().flatten();
        members.any(|member| member.id != self.infra_id && status(&member.state).is_live())
    }

    pub(crate) fn pod(self) -> Result<Pod> {
        let own = self.attempt().is_some();
        let infra = self.infra_config.unwrap_or_default();
        let dns = infra.dns.unwrap_or_default();
        let hosts = infra.hosts.unwrap_or_default();
        let host = |entry: &String| {
            let (name, address) = entry.split_once(':')?;
            Some((name.to_owned(), address.parse().ok()?))
        };
        let listed = ListedPod {
            id: self.id,
            name: self.name,
            status: self.state,
            created: self.created,
            infra_id: self.infra_id,
            labels: self.labels,
            networks: infra.networks,
            containers: self.containers,
        };
        Ok(Pod {
            summary: listed.summary()?,
            hostname: Some(self.hostname).filter(|name| !name.is_empty()),
            ports: ports(infra.port_bindings.unwrap_or_default()),
            dns: dns
                .iter()
                .filter_map(|address| address.parse().ok())
                .collect(),
            hosts: hosts.iter().filter_map(host).collect(),
            own,
        })
    }
}
