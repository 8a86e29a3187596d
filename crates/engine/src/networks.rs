//! Networks that containers are in.

use crate::{Call, ContainerId, Membership, NetworkName, Result};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A network to be made.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct NewNetwork {
    /// Its name.
    pub name: NetworkName,
    /// Whether it leads nowhere else: its containers reach each other only.
    pub internal: bool,
    /// Whether no other isolated network reaches it.
    pub isolated: bool,
    /// Whether it has IPv6 addresses too.
    pub ipv6: bool,
    /// Whether its containers find each other by name.
    pub dns: bool,
    /// Its subnets; one of the engine's choice if empty.
    pub subnets: Vec<Subnet>,
    /// Labels for the engine to keep.
    pub labels: BTreeMap<String, String>,
}

/// The addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// Its first address.
    pub address: IpAddr,
    /// How many bits of an address are the same in all of it.
    pub prefix: u8,
    /// The address of the machine in it. In a new one `None` is the engine's choice.
    pub gateway: Option<IpAddr>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own"
)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its ID: 64 hexadecimal digits.
    pub id: String,
    /// How the engine makes it: `bridge`, for instance.
    pub driver: String,
    /// Whether it leads nowhere else.
    pub internal: bool,
    /// Whether no other isolated network reaches it.
    pub isolated: bool,
    /// Whether it has IPv6 addresses.
    pub ipv6: bool,
    /// Whether its containers find each other by name.
    pub dns: bool,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made: RFC 3339.
    pub created: String,
}

/// The part of an engine that keeps networks.
#[async_trait]
pub trait Networks {
    /// Makes a network. [`Error::NameInUse`](crate::Error::NameInUse) if there is one of that name.
    async fn create_network(&self, call: &Call, new: &NewNetwork) -> Result<Network>;

    /// Every network.
    async fn networks(&self, call: &Call) -> Result<Vec<Network>>;

    /// Looks a network up.
    async fn network(&self, call: &Call, name: &NetworkName) -> Result<Network>;

    /// Removes a network. [`Error::InUse`](crate::Error::InUse) if a container is in it, running or not.
    async fn remove_network(&self, call: &Call, name: &NetworkName) -> Result<()>;

    /// Puts a container into a network; if that fails, it is not in it.
    /// [`Error::WrongState`](crate::Error::WrongState) if it is in it already.
    async fn connect(
        &self,
        call: &Call,
        network: &NetworkName,
        container: &ContainerId,
        place: &Membership,
    ) -> Result<()>;

    /// Takes a container out of a network. [`Error::WrongState`](crate::Error::WrongState) if it is not in it.
    async fn disconnect(
        &self,
        call: &Call,
        network: &NetworkName,
        container: &ContainerId,
    ) -> Result<()>;
}
