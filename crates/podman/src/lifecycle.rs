//! Restarts, signals, pauses and other names.

use crate::capabilities::PAUSE;
use crate::engine::change;
use crate::requests::{self, Request};
use crate::{PodmanEngine, failure};
use async_trait::async_trait;
use podlane_engine::{
    Call, Change, ContainerId, ContainerName, Engine, Error, Lifecycle, Limits, Result, Signal,
    Status,
};
use std::time::Duration;

impl PodmanEngine {
    /// Sends a request whose answer says nothing more than that it is done.
    pub(crate) async fn done(&self, call: &Call, request: Request) -> Result<()> {
        self.connection().status(call, &request).await.map(drop)
    }

    /// Sends a request whose answer says only whether there was something to do.
    pub(crate) async fn changed(&self, call: &Call, request: Request) -> Result<Change> {
        let status = self.connection().status(call, &request).await?;
        change(request.step, status)
    }

    /// The same, where Podman does not say that it can't because the container is paused.
    pub(crate) async fn changed_unless_paused(
        &self,
        call: &Call,
        id: &ContainerId,
        request: Request,
    ) -> Result<Change> {
        match self.changed(call, request).await {
            Err(error) => Err(self.unless_paused(call, id, error).await),
            done => done,
        }
    }

    /// Why something can't be done to a container in its present state, where Podman does not say that it is paused.
    pub(crate) async fn unless_paused(&self, call: &Call, id: &ContainerId, error: Error) -> Error {
        if !matches!(error, Error::WrongState { .. }) {
            return error;
        }
        match self.inspect(call, &id.into()).await {
            Ok(container) if container.status == Status::Paused => failure::paused(),
            _ => error,
        }
    }
}

#[async_trait]
impl Lifecycle for PodmanEngine {
    async fn restart(&self, call: &Call, id: &ContainerId, grace: Option<Duration>) -> Result<()> {
        let restarted = self.restart_in_turn(call, id, grace).await;
        self.try_agents_again(id);
        restarted
    }

    async fn kill(&self, call: &Call, id: &ContainerId, signal: Signal) -> Result<()> {
        self.done(call, requests::kill_container(id, signal)).await
    }

    async fn pause(&self, call: &Call, id: &ContainerId) -> Result<()> {
        self.needs(call, PAUSE).await?;
        self.done(call, requests::pause_container(id)).await
    }

    async fn unpause(&self, call: &Call, id: &ContainerId) -> Result<()> {
        let unpaused = self.done(call, requests::unpause_container(id)).await;
        self.try_agents_again(id);
        unpaused
    }

    async fn update(&self, call: &Call, id: &ContainerId, limits: Limits) -> Result<()> {
        self.needs_limits(call, &limits).await?;
        let request = requests::update_container(id, limits);
        self.done(call, request).await
    }

    async fn rename(&self, call: &Call, id: &ContainerId, name: &ContainerName) -> Result<()> {
        let done = self.done(call, requests::rename_container(id, name)).await;
        if let Some(agents) = self.agents() {
            agents.renamed();
        }
        done
    }
}
