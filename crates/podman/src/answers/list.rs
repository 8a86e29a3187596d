//! The list of containers.

use super::pods::pod_of;
use super::{familiar, id, sorted, specific, status};
use podlane_engine::{ContainerSummary, Protocol, PublishedPort, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

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
    #[serde(default)]
    pod: String,
    #[serde(default)]
    is_infra: bool,
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
            pod: pod_of(&self.pod, "listing the containers")?,
            infra: self.is_infra,
        })
    }
}
