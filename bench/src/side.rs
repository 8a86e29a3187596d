//! The servers that get the same load.

use crate::connection::{Address, Result};
use crate::operation::Operation;
use crate::{api, libpod};

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) address: Address,
    /// Podman's major version, if it is Podman itself that is asked.
    pub(crate) libpod: Option<u32>,
}

/// One client of a side.
#[derive(Debug)]
pub(crate) enum Client {
    Api(api::Client),
    Libpod(libpod::Client),
}

impl Side {
    pub(crate) fn client(&self, number: usize) -> Client {
        let address = self.address.clone();
        match self.libpod {
            None => Client::Api(api::Client::new(address, number)),
            Some(major) => Client::Libpod(libpod::Client::new(address, number, major)),
        }
    }

    /// Sees to it that there are so many containers.
    pub(crate) async fn provide(&self, containers: usize) -> Result<()> {
        match self.client(0) {
            Client::Api(mut client) => client.provide(containers).await,
            Client::Libpod(mut client) => client.fill(containers).await,
        }
    }
}

impl Client {
    pub(crate) async fn run(&mut self, operation: Operation) -> Result<()> {
        match self {
            Self::Api(client) => client.run(operation).await,
            Self::Libpod(client) => client.run(operation).await,
        }
    }
}
