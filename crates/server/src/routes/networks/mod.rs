//! `/api/v1/networks`

pub(crate) mod connect;
pub(crate) mod create;
pub(crate) mod disconnect;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod remove;

use podlane_api::{Network, Subnet};

fn answer(network: podlane_engine::Network) -> Network {
    let subnet = |subnet: podlane_engine::Subnet| Subnet {
        subnet: format!("{}/{}", subnet.address, subnet.prefix),
        gateway: subnet.gateway.map(|gateway| gateway.to_string()),
    };
    Network {
        name: network.name,
        id: network.id.chars().take(12).collect(),
        driver: network.driver,
        internal: network.internal,
        isolated: network.isolated,
        ipv6: network.ipv6,
        dns: network.dns,
        subnets: network.subnets.into_iter().map(subnet).collect(),
        labels: network.labels,
        created: network.created,
    }
}
