//! Volumes: directories of the engine's that outlive containers.

use crate::{Call, Result, VolumeName};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// A volume to be made.
#[derive(Debug, Clone)]
pub struct NewVolume {
    /// Its name.
    pub name: VolumeName,
    /// Labels for the engine to keep.
    pub labels: BTreeMap<String, String>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// What keeps it: `local` for the engine itself.
    pub driver: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made: RFC 3339.
    pub created: String,
}

/// The part of an engine that keeps volumes.
#[async_trait]
pub trait Volumes {
    /// Makes a volume. [`Error::NameInUse`](crate::Error::NameInUse) if there is one of that name.
    async fn create_volume(&self, call: &Call, new: &NewVolume) -> Result<Volume>;

    /// Every volume.
    async fn volumes(&self, call: &Call) -> Result<Vec<Volume>>;

    /// Looks a volume up.
    async fn volume(&self, call: &Call, name: &VolumeName) -> Result<Volume>;

    /// Removes a volume with what it holds. [`Error::InUse`](crate::Error::InUse) if a container has it,
    /// running or not.
    async fn remove_volume(&self, call: &Call, name: &VolumeName) -> Result<()>;
}
