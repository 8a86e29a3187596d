//! Parts that several answers have.

use podlane_api::{Changed, ChangedContainer, PublishedPort, True};
use podlane_engine::{Change, Container};

pub(crate) fn ports(ports: &[podlane_engine::PublishedPort]) -> Vec<PublishedPort> {
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

/// A container that was changed, as it is now.
pub(super) fn changed((container, change): (Container, Change)) -> ChangedContainer {
    ChangedContainer {
        success: True,
        container: Changed {
            id: container.id.short().to_owned(),
            name: container.name,
            status: container.status.to_string(),
            changed: change == Change::Done,
        },
    }
}
