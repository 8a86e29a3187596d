//! Parts that several answers have.

use podlane_api::PublishedPort;

pub(super) fn ports(ports: &[podlane_engine::PublishedPort]) -> Vec<PublishedPort> {
    ports
        .iter()
        .map(|port| PublishedPort {
            host_ip: port.host_ip.map(|address| address.to_string()),
            host_port: port.host,
            container_port: port.container,
            protocol: port.protocol.to_string(),
        })
        .collect()
}
