//! Volumes.

use crate::PodmanEngine;
use crate::answers::KeptVolume;
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{Call, NewVolume, Result, Volume, VolumeName, Volumes};

#[async_trait]
impl Volumes for PodmanEngine {
    async fn create_volume(&self, call: &Call, new: &NewVolume) -> Result<Volume> {
        let request = requests::create_volume(new);
        let made: KeptVolume = self.connection().json(call, &request).await?;
        Ok(made.into())
    }

    async fn volumes(&self, call: &Call) -> Result<Vec<Volume>> {
        let request = requests::list_volumes();
        let all: Option<Vec<KeptVolume>> = self.connection().json(call, &request).await?;
        let all = all.unwrap_or_default().into_iter();
        Ok(all.map(Into::into).collect())
    }

    async fn volume(&self, call: &Call, name: &VolumeName) -> Result<Volume> {
        let request = requests::inspect_volume(name);
        let found: KeptVolume = self.connection().json(call, &request).await?;
        Ok(found.into())
    }

    async fn remove_volume(&self, call: &Call, name: &VolumeName) -> Result<()> {
        self.done(call, requests::remove_volume(name)).await
    }
}
