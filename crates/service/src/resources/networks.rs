//! Networks.

use super::{WithLabels, check_labels, pruned};
use crate::containers::shown_labels;
use crate::finding::missing;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{
    ContainerRef, Membership, Network, NetworkName, NewNetwork, Resource, Subnet,
};
use std::net::IpAddr;

/// The first network, which is in every engine and stays.
const DEFAULT: &str = "podman";

impl Service {
    /// Makes a network.
    pub async fn create_network(&self, call: &Call, mut new: NewNetwork) -> Result<Network> {
        call.may(Scope::NetworksWrite)?;
        check_labels(&new.labels)?;
        call.sign(&mut new.labels);
        new.isolated |= call.tenant().is_some();
        new.subnets.iter().try_for_each(check_subnet)?;
        self.change(call, |engine, call| async move {
            Ok(engine.create_network(&call, &new).await?)
        })
        .await
    }

    /// Every network with these labels, by name.
    pub async fn networks(&self, call: &Call, labels: &WithLabels) -> Result<Vec<Network>> {
        call.may(Scope::NetworksRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut networks = self.0.engine.networks(call).await?;
        networks.retain(|network| call.owns(&network.labels) && labels.are_among(&network.labels));
        for network in &mut networks {
            shown_labels(&mut network.labels);
        }
        networks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(networks)
    }

    /// One network.
    pub async fn network(&self, call: &Call, name: &NetworkName) -> Result<Network> {
        call.may(Scope::NetworksRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut network = self.own_network(call, name).await?;
        shown_labels(&mut network.labels);
        Ok(network)
    }

    /// One that is the caller's to see.
    pub(crate) async fn own_network(&self, call: &Call, name: &NetworkName) -> Result<Network> {
        let network = self.0.engine.network(call, name).await?;
        if call.owns(&network.labels) {
            return Ok(network);
        }
        Err(missing(Resource::Network, name).into())
    }

    /// An error unless the caller's containers may be in that network: it is theirs, or everybody's.
    pub(crate) async fn usable_network(&self, call: &Call, name: &NetworkName) -> Result<()> {
        if call.tenant().is_none() || name.as_str() == DEFAULT {
            return Ok(());
        }
        self.own_network(call, name).await.map(drop)
    }

    /// Removes a network that no container is in.
    pub async fn remove_network(&self, call: &Call, name: NetworkName) -> Result<()> {
        call.may(Scope::NetworksWrite)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.own_network(&call, &name).await?;
            Ok(engine.remove_network(&call, &name).await?)
        })
        .await
    }

    /// Removes every network with these labels that no container is in, but never the first one.
    /// Answers their names.
    pub async fn prune_networks(&self, call: &Call, labels: WithLabels) -> Result<Vec<String>> {
        call.may(Scope::NetworksWrite)?;
        self.change(call, |engine, call| async move {
            let mut removed = Vec::new();
            for network in engine.networks(&call).await? {
                let name = match NetworkName::parse(&network.name) {
                    Ok(name) if name.as_str() != DEFAULT => name,
                    _ => continue,
                };
                if call.owns(&network.labels)
                    && labels.are_among(&network.labels)
                    && pruned(engine.remove_network(&call, &name).await)?
                {
                    removed.push(network.name);
                }
            }
            Ok(removed)
        })
        .await
    }

    /// Puts a container into a network, whether it runs or not.
    pub async fn connect(
        &self,
        call: &Call,
        network: NetworkName,
        container: ContainerRef,
        place: Membership,
    ) -> Result<()> {
        call.may(Scope::NetworksWrite)?;
        self.permit_network(call, &network)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.usable_network(&call, &network).await?;
            let id = service.find(&call, &container).await?.id;
            Ok(engine.connect(&call, &network, &id, &place).await?)
        })
        .await
    }

    /// Takes a container out of a network, whether it runs or not.
    pub async fn disconnect(
        &self,
        call: &Call,
        network: NetworkName,
        container: ContainerRef,
    ) -> Result<()> {
        call.may(Scope::NetworksWrite)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.usable_network(&call, &network).await?;
            let id = service.find(&call, &container).await?.id;
            Ok(engine.disconnect(&call, &network, &id).await?)
        })
        .await
    }
}

/// Podman would take a network's address with host bits for another one.
fn check_subnet(subnet: &Subnet) -> Result<()> {
    let (bits, host) = match subnet.address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    let wrong = |why: &str| {
        let message = format!("{}/{} {why}", subnet.address, subnet.prefix);
        Err(Error::invalid("subnets", message))
    };
    if subnet.prefix == 0 || subnet.prefix > bits - 2 {
        return wrong("is no network with room for a container and its gateway");
    }
    let rest = (1_u128 << (bits - subnet.prefix)) - 1;
    if host & rest != 0 {
        return wrong("is an address in a network, and not the network's own");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_networks() {
        for (address, prefix, good) in [
            ("10.89.0.0", 24, true),
            ("10.89.0.4", 30, true),
            ("10.89.0.1", 24, false),
            ("10.89.0.0", 31, false),
            ("10.89.0.0", 33, false),
            ("0.0.0.0", 0, false),
            ("fd00::", 64, true),
            ("fd00::1", 64, false),
            ("fd00::", 128, false),
        ] {
            let subnet = Subnet {
                address: address.parse().expect("an address"),
                prefix,
                gateway: None,
            };
            assert_eq!(check_subnet(&subnet).is_ok(), good, "{address}/{prefix}");
        }
    }
}
