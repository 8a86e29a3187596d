//! Health checks of containers, for who has to see to it that they are run.

use crate::{Call, ContainerId, Result};
use async_trait::async_trait;

/// The part of an engine that checks whether containers are well.
#[async_trait]
pub trait HealthChecks {
    /// The running containers that have a health check.
    async fn checked(&self, call: &Call) -> Result<Vec<ContainerId>>;

    /// Runs a container's check once, notes what comes of it, and answers whether the container is well.
    /// Comes back when the check has ended. [`crate::Error::WrongState`] if the container does not run or has
    /// no check.
    async fn check(&self, call: &Call, id: &ContainerId) -> Result<bool>;
}
