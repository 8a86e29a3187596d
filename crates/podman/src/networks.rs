//! Networks.

use crate::PodmanEngine;
use crate::answers::{KeptNetwork, RemovedNetwork};
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{
    Call, ContainerId, Error, Membership, Network, NetworkName, Networks, NewNetwork, Result,
};
use std::time::Duration;

/// What taking a container out again may take, past the deadline.
const UNDOING: Duration = Duration::from_secs(10);

#[async_trait]
impl Networks for PodmanEngine {
    async fn create_network(&self, call: &Call, new: &NewNetwork) -> Result<Network> {
        let request = requests::create_network(new);
        let made: KeptNetwork = self.connection().json(call, &request).await?;
        Ok(made.into())
    }

    async fn networks(&self, call: &Call) -> Result<Vec<Network>> {
        let request = requests::list_networks();
        let all: Option<Vec<KeptNetwork>> = self.connection().json(call, &request).await?;
        let all = all.unwrap_or_default().into_iter();
        Ok(all.map(Into::into).collect())
    }

    async fn network(&self, call: &Call, name: &NetworkName) -> Result<Network> {
        let request = requests::inspect_network(name);
        let found: KeptNetwork = self.connection().json(call, &request).await?;
        Ok(found.into())
    }

    /// Podman answers 200 to a removal that it refuses, and says so in the body.
    async fn remove_network(&self, call: &Call, name: &NetworkName) -> Result<()> {
        let request = requests::remove_network(name);
        let report: Vec<RemovedNetwork> = self.connection().json(call, &request).await?;
        match report.into_iter().find(|row| !row.error.is_null()) {
            None => Ok(()),
            Some(row) => Err(Error::WrongState {
                message: match row.error.as_str() {
                    Some(words) => format!("the network can't be removed: {words}"),
                    None => "the engine keeps this network".into(),
                },
            }),
        }
    }

    /// Podman notes the place before it makes it, and where that fails the note stays.
    async fn connect(
        &self,
        call: &Call,
        network: &NetworkName,
        container: &ContainerId,
        place: &Membership,
    ) -> Result<()> {
        let request = requests::connect(network, container, place);
        let Err(error) = self.connection().status(call, &request).await else {
            return Ok(());
        };
        if !matches!(error, Error::WrongState { .. } | Error::NotFound { .. }) {
            let call = call.extended(UNDOING);
            let undone = self.disconnect(&call, network, container).await;
            tracing::debug!(request_id = %call.request_id, undone = undone.is_ok(), "took the container out of the network again");
        }
        Err(error)
    }

    async fn disconnect(
        &self,
        call: &Call,
        network: &NetworkName,
        container: &ContainerId,
    ) -> Result<()> {
        let request = requests::disconnect(network, container);
        self.done(call, request).await
    }
}
