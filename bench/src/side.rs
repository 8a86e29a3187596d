//! Whoever gets the same load.

use crate::connection::{Address, Result};
use crate::operation::Operation;
use crate::{api, libpod, program};
use serde_json::json;

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// By Podlane's API; commands are to be run by an agent or not.
    Api {
        address: Address,
        agent: Option<bool>,
    },
    /// By Podman's own API, of this major version.
    Libpod { address: Address, major: u32 },
    /// By a program that runs `echo hi` in the target; it can do nothing else.
    Program(Vec<String>),
}

/// One client of a side.
#[derive(Debug)]
pub(crate) enum Client {
    Api(api::Client),
    Libpod(libpod::Client),
    Program(Vec<String>),
}

impl Side {
    pub(crate) fn client(&self, number: usize) -> Client {
        match &self.kind {
            Kind::Api { address, agent } => {
                Client::Api(api::Client::new(address.clone(), number, *agent))
            }
            Kind::Libpod { address, major } => {
                Client::Libpod(libpod::Client::new(address.clone(), number, *major))
            }
            Kind::Program(argv) => Client::Program(argv.clone()),
        }
    }

    pub(crate) fn is_libpod(&self) -> bool {
        matches!(self.kind, Kind::Libpod { .. })
    }

    /// Sees to it that there are so many containers.
    pub(crate) async fn provide(&self, containers: usize) -> Result<()> {
        match self.client(0) {
            Client::Api(mut client) => client.provide(containers).await,
            Client::Libpod(mut client) => client.fill(containers).await,
            Client::Program(_) => Ok(()),
        }
    }
}

impl Client {
    /// Connects, if this side has connections.
    pub(crate) async fn connect(&mut self) -> Result<()> {
        match self {
            Self::Program(_) => Ok(()),
            _ => self.run(Operation::Health).await,
        }
    }

    /// Runs `echo hi` in another container than the target.
    pub(crate) async fn echo_in(&mut self, container: &str) -> Result<()> {
        let command = json!(["echo", "hi"]);
        match self {
            Self::Api(client) => client.exec(container, command).await.map(drop),
            Self::Libpod(client) => client.say_hi(container, command).await,
            Self::Program(_) => Err("a program knows only the target".into()),
        }
    }

    pub(crate) async fn run(&mut self, operation: Operation) -> Result<()> {
        match self {
            Self::Api(client) => client.run(operation).await,
            Self::Libpod(client) => client.run(operation).await,
            Self::Program(argv) => program::echo(argv).await,
        }
    }
}
