//! What Podlane asks of a container engine: the [`Engine`] trait, the nouns it speaks and the errors
//! it answers with.
//!
//! Nothing here knows HTTP, JSON or Podman, and nothing here does I/O. A noun is checked once, when it
//! is made from a string, and then carried as a type.

mod attach;
mod call;
mod container;
mod create;
mod error;
mod events;
mod exec;
mod files;
mod health;
mod image;
mod lifecycle;
mod logs;
mod names;
mod networks;
mod observe;
mod pods;
mod secrets;
mod settings;
mod status;
mod system;
mod volumes;

pub use attach::Attachment;
pub use call::{Call, RequestId};
pub use container::{Container, ContainerSummary, Health, PublishedPort};
pub use create::{ContainerSpec, HostPort, Init, Mount, MountSource, PortMapping, Protocol};
pub use error::{Error, Resource, Result};
pub use events::{EngineEvent, EventQuery, EventStream, Events};
pub use exec::{
    Chunk, Command, Control, ExecPath, ExecSpec, Exit, Process, Signal, Source, StartFailure,
    StdinSink, Survivor, TerminalSize, Termination, Usage,
};
pub use files::{Archive, FileKind, FileStat, Ownership, Upload};
pub use health::HealthChecks;
pub use image::{
    Image, ImageHistory, ImageStep, ImageSummary, ImageWork, Images, NewBuild, NewCommit,
    PrunedImages, RegistryLogin, RemovedImage,
};
pub use lifecycle::Lifecycle;
pub use logs::{LogPiece, LogQuery, LogStream};
pub use names::{
    ContainerId, ContainerName, ContainerRef, ImageRef, InnerPath, InvalidName, NetworkName, PodId,
    PodName, RegistryHost, RegistryName, SecretName, UserName, UserSpec, VolumeName,
};
pub use networks::{Network, Networks, NewNetwork, Subnet};
pub use observe::{ChangeKind, ContainerProcess, DiskShare, DiskUsage, Observe, PathChange, Stats};
pub use podlane_inside as inside;
pub use pods::{KubeOf, NewPod, Pod, PodMember, PodPlace, PodStatus, PodSummary, Pods};
pub use secrets::{NewSecret, Secret, Secrets};
pub use settings::{
    Healthcheck, Limits, Membership, OpenFiles, Restart, SecretFile, Settings, Tmpfs,
};
pub use status::{PAUSED, Status};
pub use system::{Capability, Confinement, DiskRoom, EngineInfo, Program, System};
pub use volumes::{NewVolume, Volume, Volumes};

use async_trait::async_trait;
use std::fmt::Debug;
use std::time::Duration;

/// Whether a request found something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The engine changed the container's state.
    Done,
    /// The container already was in the wanted state.
    AlreadySo,
}

/// What the engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// The engine's name, for people: `podman`.
    pub name: String,
    /// Its version as it writes it: `4.3.1`.
    pub version: String,
}

/// A container engine.
///
/// Every method is bounded by the call's deadline and answers [`Error::Timeout`] past it. Dropping a
/// returned future abandons the wait, not the engine's work: whoever needs both ended says so with
/// [`Control::terminate`] or [`Engine::remove`].
#[async_trait]
pub trait Engine:
    Events
    + Images
    + Lifecycle
    + Observe
    + Volumes
    + Networks
    + Pods
    + Secrets
    + HealthChecks
    + System
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Asks whether the engine answers, and which version it is.
    async fn version(&self, call: &Call) -> Result<EngineVersion>;

    /// Creates a container, starts it, and says what it has become. Either all of it succeeds or nothing is
    /// left behind, also past the deadline; therefore it must be driven to its end and not be dropped half-way.
    async fn run(&self, call: &Call, spec: &ContainerSpec) -> Result<Container>;

    /// Starts an existing container.
    async fn start(&self, call: &Call, id: &ContainerId) -> Result<Change>;

    /// Asks PID 1 to stop and kills it after `grace` (the container's own stop time-out if `None`).
    async fn stop(&self, call: &Call, id: &ContainerId, grace: Option<Duration>) -> Result<Change>;

    /// Removes a container with its anonymous volumes. A running one only with `force`, which kills it at once.
    async fn remove(&self, call: &Call, id: &ContainerId, force: bool) -> Result<()>;

    /// Finds a container by name, ID or unambiguous ID prefix.
    async fn inspect(&self, call: &Call, container: &ContainerRef) -> Result<Container>;

    /// The full ID of a container that something can be done with ([`Container::usable`]). For one that is in constant use this may be what was true a few
    /// hundredths of a second ago: less than it takes to put another one in its place.
    async fn resolve(&self, call: &Call, container: &ContainerRef) -> Result<ContainerId> {
        Ok(self.inspect(call, container).await?.usable()?.id)
    }

    /// Every container of the engine, running or not.
    async fn list(&self, call: &Call) -> Result<Vec<ContainerSummary>>;

    /// What the container's main process has written so far, oldest first.
    async fn logs(&self, call: &Call, id: &ContainerId, query: &LogQuery) -> Result<LogStream>;

    /// Makes ready what runs commands in a container as its own user, so that the first one need not
    /// wait for it. Whatever keeps it from that, the first command will say.
    async fn warm(&self, _call: &Call, _id: &ContainerId) {}

    /// Starts a process in a running container.
    async fn exec(
        &self,
        call: &Call,
        id: &ContainerId,
        spec: &ExecSpec,
    ) -> Result<Box<dyn Process>>;

    /// Whether a container has an agent already that does works as a user, or as the container's.
    fn has_agent(&self, _id: &ContainerId, _user: Option<&UserSpec>) -> bool {
        false
    }

    /// Whether a container runs and may have an agent: what an agent guards is then left to it, even if there
    /// is none just now.
    async fn allows_agent(&self, _call: &Call, _id: &ContainerId) -> Result<bool> {
        Ok(false)
    }

    /// Lets an agent in a running container do a work itself, as a user or as the container's. Its input
    /// and output are what `podlane_inside` says. `None` if there can't be an agent: nothing was done.
    async fn work(
        &self,
        _call: &Call,
        _id: &ContainerId,
        _user: Option<&UserSpec>,
        _work: &inside::Work,
    ) -> Result<Option<Box<dyn Process>>> {
        Ok(None)
    }

    /// Joins the main process of a running container: what it writes from now on, and, with `stdin`
    /// and if it can be written to, its input (`None`: only on a terminal). [`Error::WrongState`] if it
    /// does not run.
    async fn attach(
        &self,
        call: &Call,
        id: &ContainerId,
        stdin: Option<bool>,
    ) -> Result<Attachment>;

    /// Looks at a path without following a final symbolic link. `None` if nothing is there.
    async fn stat(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Option<FileStat>>;

    /// Reads a file or a tree as an uncompressed tar archive.
    async fn read_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Archive>;

    /// Unpacks an uncompressed tar archive below `directory`, which is made if missing. An entry takes
    /// the place of what has its name, but never that of a directory, nor a directory that of a file.
    async fn write_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        directory: &InnerPath,
        archive: Upload,
        ownership: Ownership,
    ) -> Result<()>;

    /// Removes a file, or a directory with all that is in it, whether the container runs or not.
    /// Nothing there is no error.
    async fn remove_path(&self, call: &Call, id: &ContainerId, path: &InnerPath) -> Result<()>;

    /// Removes what servers that died (of the power switch, of `kill -9`) left half-done: containers
    /// created and never started, exec processes nobody waits for. Answers with one line for people
    /// per thing that it ended.
    async fn recover(&self, call: &Call) -> Result<Vec<String>>;

    /// Waits until the ends of processes that were dropped have come.
    async fn settle(&self);
}
