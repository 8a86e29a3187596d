//! Who uses a container. Whatever runs in it, or works on what is in it, for somebody holds an [`InUse`].

use super::life::Life;
use crate::{Result, Service};
use podlane_engine::{ContainerId, Error as EngineError};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A use of a container, for as long as it lives.
#[derive(Debug)]
pub(crate) struct InUse(Arc<Life>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.end_use();
    }
}

impl Service {
    /// Begins to use a container; `None` if nobody asks whether that is done.
    pub(crate) fn uses(&self, id: &ContainerId) -> Option<InUse> {
        let life = self.0.lives.get(id).filter(|life| life.idle().is_some())?;
        life.begin_use();
        Some(InUse(life))
    }

    /// Before a container is started: one whose time is up is not.
    pub(crate) fn revive(&self, id: &ContainerId) -> Result<(), EngineError> {
        let Some(life) = self.0.lives.get(id) else {
            return Ok(());
        };
        if let Some(expired) = life.expired() {
            let expired = OffsetDateTime::from(expired).format(&Rfc3339);
            let message = format!(
                "the container's time was up at {}; extend it first",
                expired.unwrap_or_default()
            );
            return Err(EngineError::WrongState { message });
        }
        life.begin_again();
        self.0.lives.changed.notify_one();
        Ok(())
    }
}
