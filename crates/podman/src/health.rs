//! Health checks, run one by one.

use crate::PodmanEngine;
use crate::answers::{Checked, ListedContainer};
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{Call, ContainerId, Health, HealthChecks, Result};

#[async_trait]
impl HealthChecks for PodmanEngine {
    async fn checked(&self, call: &Call) -> Result<Vec<ContainerId>> {
        let request = requests::list_checked();
        let listed: Option<Vec<ListedContainer>> = self.connection().json(call, &request).await?;
        let listed = listed.unwrap_or_default().into_iter();
        listed.map(|row| Ok(row.summary()?.id)).collect()
    }

    async fn check(&self, call: &Call, id: &ContainerId) -> Result<bool> {
        let request = requests::check_health(id);
        let checked: Checked = self.connection().json(call, &request).await?;
        Ok(checked.health() == Some(Health::Healthy))
    }
}
