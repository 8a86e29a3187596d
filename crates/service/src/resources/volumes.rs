//! Volumes.

use super::{WithLabels, check_labels, pruned};
use crate::containers::shown_labels;
use crate::finding::missing;
use crate::{Call, Result, Scope, Service};
use podlane_engine::{NewVolume, Resource, Volume, VolumeName};

impl Service {
    /// Makes a volume.
    pub async fn create_volume(&self, call: &Call, mut new: NewVolume) -> Result<Volume> {
        call.may(Scope::VolumesWrite)?;
        check_labels(&new.labels)?;
        call.sign(&mut new.labels);
        self.change(call, |engine, call| async move {
            Ok(engine.create_volume(&call, &new).await?)
        })
        .await
    }

    /// Every volume with these labels, by name.
    pub async fn volumes(&self, call: &Call, labels: &WithLabels) -> Result<Vec<Volume>> {
        call.may(Scope::VolumesRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut volumes = self.0.engine.volumes(call).await?;
        volumes.retain(|volume| call.owns(&volume.labels) && labels.are_among(&volume.labels));
        for volume in &mut volumes {
            shown_labels(&mut volume.labels);
        }
        volumes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(volumes)
    }

    /// One volume.
    pub async fn volume(&self, call: &Call, name: &VolumeName) -> Result<Volume> {
        call.may(Scope::VolumesRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut volume = self.own_volume(call, name).await?;
        shown_labels(&mut volume.labels);
        Ok(volume)
    }

    /// One that is the caller's to see.
    pub(crate) async fn own_volume(&self, call: &Call, name: &VolumeName) -> Result<Volume> {
        let volume = self.0.engine.volume(call, name).await?;
        if call.owns(&volume.labels) {
            return Ok(volume);
        }
        Err(missing(Resource::Volume, name).into())
    }

    /// Removes a volume that no container has.
    pub async fn remove_volume(&self, call: &Call, name: VolumeName) -> Result<()> {
        call.may(Scope::VolumesWrite)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.own_volume(&call, &name).await?;
            Ok(engine.remove_volume(&call, &name).await?)
        })
        .await
    }

    /// Removes every volume with these labels that no container has. Answers their names.
    pub async fn prune_volumes(&self, call: &Call, labels: WithLabels) -> Result<Vec<String>> {
        call.may(Scope::VolumesWrite)?;
        self.change(call, |engine, call| async move {
            let mut removed = Vec::new();
            for volume in engine.volumes(&call).await? {
                let Ok(name) = VolumeName::parse(&volume.name) else {
                    continue;
                };
                if call.owns(&volume.labels)
                    && labels.are_among(&volume.labels)
                    && pruned(engine.remove_volume(&call, &name).await)?
                {
                    removed.push(volume.name);
                }
            }
            Ok(removed)
        })
        .await
    }
}
