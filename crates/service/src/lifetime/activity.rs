//! Who uses a container. Whatever runs in it, or works on what is in it, for somebody holds an [`InUse`].

use super::label::now;
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
            let written = |time| {
                OffsetDateTime::from(time)
                    .format(&Rfc3339)
                    .unwrap_or_default()
            };
            let latest = life.terms.latest.filter(|latest| *latest > now());
            let cure = match latest {
                Some(latest) => format!(
                    "extend it first (POST .../extend with a `ttl` in seconds), until {} at most",
                    written(latest)
                ),
                None => "it can't be extended any more; make it anew, with a `max_ttl` above its `ttl` if it shall be".into(),
            };
            let message = format!(
                "the container's time was up at {}; {cure}",
                written(expired)
            );
            return Err(EngineError::WrongState { message });
        }
        life.begin_again();
        self.0.lives.changed.notify_one();
        Ok(())
    }
}
