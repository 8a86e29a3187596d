//! What is kept in a database of the state directory, opened when it is needed first.

use crate::{Error, Result, Service};
use podlane_store::Vault;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A state directory, and the key of what is encrypted there.
pub(crate) type Place = (PathBuf, Arc<Vault>);

/// What is opened once, by whoever needs it first.
#[derive(Debug)]
pub(crate) struct AtNeed<T> {
    place: Option<Place>,
    opened: Mutex<Option<Arc<T>>>,
}

impl<T> AtNeed<T> {
    pub(crate) fn new(place: Option<Place>) -> Self {
        let opened = Mutex::default();
        Self { place, opened }
    }

    /// The key of what is encrypted, if there is a place for it.
    pub(crate) fn vault(&self) -> Option<&Vault> {
        self.place.as_ref().map(|(_, vault)| &**vault)
    }

    /// Whether its file is there. Blocks.
    pub(crate) fn is_there(&self, file: impl FnOnce(&Path) -> PathBuf) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|(directory, _)| file(directory).exists())
    }

    /// It, opened by `open` if it is not yet; `None` if there is no place for it. Blocks.
    pub(crate) fn get(
        &self,
        open: impl FnOnce(&Path, Arc<Vault>) -> Result<T>,
    ) -> Result<Option<Arc<T>>> {
        let Some((directory, vault)) = &self.place else {
            return Ok(None);
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Some(Arc::clone(opened)));
        }
        let now = Arc::new(open(directory, Arc::clone(vault))?);
        *opened = Some(Arc::clone(&now));
        Ok(Some(now))
    }
}

impl Service {
    /// Does something that may wait for a database's disk, to its end.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.0.tasks.spawn_blocking(work).await;
        done.map_err(|error| Error::Internal {
            step: "using the database",
            reason: error.to_string(),
        })?
    }
}
