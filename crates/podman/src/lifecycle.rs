//! Signals, pauses and other names.

use crate::PodmanEngine;
use crate::requests::{self, Request};
use async_trait::async_trait;
use podlane_engine::{Call, ContainerId, ContainerName, Lifecycle, Limits, Result, Signal};

impl PodmanEngine {
    /// Sends a request whose answer says nothing more than that it is done.
    pub(crate) async fn done(&self, call: &Call, request: Request) -> Result<()> {
        self.connection().status(call, &request).await.map(drop)
    }
}

#[async_trait]
impl Lifecycle for PodmanEngine {
    async fn kill(&self, call: &Call, id: &ContainerId, signal: Signal) -> Result<()> {
        self.done(call, requests::kill_container(id, signal)).await
    }

    async fn pause(&self, call: &Call, id: &ContainerId) -> Result<()> {
        self.done(call, requests::pause_container(id)).await
    }

    async fn unpause(&self, call: &Call, id: &ContainerId) -> Result<()> {
        self.done(call, requests::unpause_container(id)).await
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
