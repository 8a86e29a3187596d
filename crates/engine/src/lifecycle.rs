//! What changes a container that is there, beyond start, stop and remove.

use crate::{Call, ContainerId, ContainerName, Limits, Result, Signal};
use async_trait::async_trait;
use std::time::Duration;

/// The part of an engine that restarts, signals, freezes and renames containers. Each method answers
/// [`Error::WrongState`](crate::Error::WrongState) where the container's state forbids it.
#[async_trait]
pub trait Lifecycle {
    /// Stops a container if it runs, with the grace of a stop (`None`: the container's own stop time-out), and starts
    /// it, as one step. One that would go with its end is refused: it could be lost.
    async fn restart(&self, call: &Call, id: &ContainerId, grace: Option<Duration>) -> Result<()>;

    /// Sends a signal to the main process of a running container.
    async fn kill(&self, call: &Call, id: &ContainerId, signal: Signal) -> Result<()>;

    /// Freezes all processes of a running container.
    async fn pause(&self, call: &Call, id: &ContainerId) -> Result<()>;

    /// Lets the processes of a paused container go on.
    async fn unpause(&self, call: &Call, id: &ContainerId) -> Result<()>;

    /// Changes what a running container may use at most: those of memory, processors and processes that are
    /// given. [`Error::Invalid`](crate::Error::Invalid) if the container uses more already.
    async fn update(&self, call: &Call, id: &ContainerId, limits: Limits) -> Result<()>;

    /// Gives a container another name, running or not.
    async fn rename(&self, call: &Call, id: &ContainerId, name: &ContainerName) -> Result<()>;
}
