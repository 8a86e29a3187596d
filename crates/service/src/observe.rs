//! What goes on in containers, and what they hold.

use crate::{Call, Error, Outgoing, Result, Scope, Service};
use podlane_engine::{
    Container, ContainerProcess, ContainerRef, DiskUsage, Error as EngineError, PathChange, Stats,
};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::timeout_at;

/// The time that the engine gets for an export at most; it is expected to come on all the time.
const TRANSFER: Duration = Duration::from_secs(3600);

impl Service {
    /// The processes of a running container.
    pub async fn top(&self, call: &Call, name: &ContainerRef) -> Result<Vec<ContainerProcess>> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, name).await?;
        Ok(self.0.engine.top(call, &id).await?)
    }

    /// What in a container differs from its image, by path.
    pub async fn changes(&self, call: &Call, name: &ContainerRef) -> Result<Vec<PathChange>> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, name).await?;
        let mut changes = self.0.engine.changes(call, &id).await?;
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(changes)
    }

    /// What one container uses; nothing if it does not run.
    pub async fn stats(&self, call: &Call, name: &ContainerRef) -> Result<Stats> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, name).await?;
        let stats = self.0.engine.stats(call, Some(&id)).await?;
        let own = stats.into_iter().find(|stats| stats.id == id);
        own.ok_or_else(|| Error::Conflict {
            message: "the container is not running; start it first".into(),
        })
    }

    /// What each running container uses, by name.
    pub async fn all_stats(&self, call: &Call) -> Result<Vec<Stats>> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut stats = self.0.engine.stats(call, None).await?;
        if call.sees_all("all numbers").is_err() {
            let mut own = self.0.engine.list(call).await?;
            own.retain(|container| call.owns_container(&container.name, &container.labels));
            let own: HashSet<_> = own.into_iter().map(|container| container.id).collect();
            stats.retain(|stats| own.contains(&stats.id));
        }
        stats.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stats)
    }

    /// What lies on the engine's disk.
    pub async fn disk_usage(&self, call: &Call) -> Result<DiskUsage> {
        call.may(Scope::SystemRead)?;
        call.sees_all("the engine's disk")?;
        let _worker = self.0.gate.enter(call).await?;
        Ok(self.0.engine.disk_usage(call).await?)
    }

    /// A container's whole file system, without what is mounted. A worker is held until the engine has begun,
    /// and no longer.
    pub async fn export(&self, call: &Call, name: &ContainerRef) -> Result<(Container, Outgoing)> {
        call.may(Scope::FilesRead)?;
        let place = self.0.streams.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let long = call.extended(TRANSFER);
        let begun = self.0.engine.export(&long, &container.id);
        let late = |_| EngineError::Timeout {
            step: "exporting the container".into(),
            limit: call.limit,
        };
        let archive = timeout_at(call.deadline, begun).await.map_err(late)??;
        let silence = self.0.limits.request_timeout;
        let export = Outgoing::new(archive, "exporting the container", silence, place);
        Ok((container, export))
    }
}
