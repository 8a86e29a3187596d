//! Where registries are kept. Several servers may use one state directory's.

use crate::{Error, Result, Service};
use podlane_store::{RegistryStore, Vault};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Those of a state directory.
#[derive(Debug)]
pub(crate) struct Registries {
    place: Option<(PathBuf, Arc<Vault>)>,
    store: Mutex<Option<Arc<RegistryStore>>>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
pub(super) fn unkept(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "registries can't be read or kept",
        reason: reason.to_string(),
    }
}

impl Registries {
    pub(crate) fn new(place: Option<(PathBuf, Arc<Vault>)>) -> Self {
        let store = Mutex::default();
        Self { place, store }
    }

    /// An error if there is a key that can't be used. Blocks.
    pub(crate) fn check_key(&self) -> Result<()> {
        let Some((_, vault)) = &self.place else {
            return Ok(());
        };
        vault.check().map_err(|error| Error::Unkept {
            message: "the key with which secrets are encrypted can't be used",
            reason: error.to_string(),
        })
    }

    /// The database, if there is one. Blocks.
    pub(super) fn there(&self) -> Result<Option<Arc<RegistryStore>>> {
        match &self.place {
            Some((directory, _)) if RegistryStore::file(directory).exists() => {
                self.open().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The database, made if it is missing. Blocks.
    pub(super) fn open(&self) -> Result<Arc<RegistryStore>> {
        let place = self.place.as_ref();
        let (directory, vault) = place.ok_or_else(|| unkept("no place for them is known"))?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*store {
            return Ok(Arc::clone(store));
        }
        let opened = RegistryStore::open(directory, Arc::clone(vault)).map_err(unkept)?;
        let opened = Arc::new(opened);
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Service {
    /// Does something that may wait for the disk, to its end.
    pub(super) async fn with_registries<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registries) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let registries = Arc::clone(&self.0.registries);
        let work = move || work(&registries);
        let done = self.0.tasks.spawn_blocking(work).await;
        done.map_err(|error| Error::Internal {
            step: "using the database",
            reason: error.to_string(),
        })?
    }
}
