//! How every operation finds its container: the one place that knows whom a container is for.

use crate::{Call, Result, Service};
use podlane_engine::{Container, ContainerId, ContainerRef};

impl Service {
    /// A container of the caller's, in full.
    pub(crate) async fn find(&self, call: &Call, name: &ContainerRef) -> Result<Container> {
        Ok(self.0.engine.inspect(call, name).await?)
    }

    /// The ID of a container of the caller's; quicker than [`Service::find`] for one in constant use.
    pub(crate) async fn resolve(&self, call: &Call, name: &ContainerRef) -> Result<ContainerId> {
        Ok(self.0.engine.resolve(call, name).await?)
    }
}
