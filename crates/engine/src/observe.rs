//! What goes on in a container, and what it holds.

use crate::{Archive, Call, ContainerId, Result};
use async_trait::async_trait;
use std::time::Duration;

/// A process of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerProcess {
    /// Its PID inside.
    pub pid: u32,
    /// Its parent's PID inside; 0 if that is outside.
    pub ppid: u32,
    /// The user that it runs as, by name where the container has one.
    pub user: String,
    /// Its state by the kernel's letter: `R`, `S`, `D`, `Z`, `T` ...
    pub state: String,
    /// Processor time in percent of one processor, over its whole life.
    pub cpu_percent: f64,
    /// Processor time that it has used.
    pub cpu_time: Duration,
    /// How long it has been running.
    pub elapsed: Duration,
    /// Bytes of memory that it holds.
    pub memory: u64,
    /// Its terminal, if it has one.
    pub terminal: Option<String>,
    /// Its command line.
    pub command: String,
}

/// A path that is not as it was in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// Which.
    pub path: String,
    /// In what way.
    pub kind: ChangeKind,
}

/// In what way a path differs from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It, or something in it, was changed.
    Modified,
    /// It is not there any more.
    Deleted,
}

/// What a container uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Processor time in percent of one processor, since it was started.
    pub cpu_percent: f64,
    /// Processor time used since it was started.
    pub cpu_time: Duration,
    /// Bytes of memory used.
    pub memory: u64,
    /// Bytes of memory that it may use; all of the machine's without a limit of its own.
    pub memory_limit: u64,
    /// Bytes that came in over its networks.
    pub received: u64,
    /// Bytes that went out over its networks.
    pub sent: u64,
    /// Bytes read from block devices.
    pub read: u64,
    /// Bytes written to block devices.
    pub written: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// What a kind of thing takes on the engine's disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskShare {
    /// How many there are.
    pub count: u64,
    /// How many of them something uses: a container its image and volumes, itself if it runs.
    pub active: u64,
    /// Bytes of all of them.
    pub size: u64,
    /// Bytes of those that nothing uses.
    pub reclaimable: u64,
}

/// What lies on the engine's disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Images; what they share counts once for each.
    pub images: DiskShare,
    /// What containers have written into their own file systems.
    pub containers: DiskShare,
    /// Volumes.
    pub volumes: DiskShare,
}

/// The part of an engine that looks into containers.
#[async_trait]
pub trait Observe {
    /// The processes of a running container. [`Error::WrongState`](crate::Error::WrongState) if it does not run.
    async fn top(&self, call: &Call, id: &ContainerId) -> Result<Vec<ContainerProcess>>;

    /// What differs from the image, whether the container runs or not.
    async fn changes(&self, call: &Call, id: &ContainerId) -> Result<Vec<PathChange>>;

    /// What every running container uses, or one container; one that does not run uses nothing.
    async fn stats(&self, call: &Call, id: Option<&ContainerId>) -> Result<Vec<Stats>>;

    /// What lies on the disk. May take long where there is much.
    async fn disk_usage(&self, call: &Call) -> Result<DiskUsage>;

    /// Reads the whole file system as an uncompressed tar archive, without what is mounted.
    async fn export(&self, call: &Call, id: &ContainerId) -> Result<Archive>;
}
