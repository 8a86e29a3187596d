//! Where registries are kept. Several servers may use one state directory's.

use crate::at_need::{AtNeed, Place};
use crate::{Error, Result, Service};
use podlane_store::RegistryStore;
use std::sync::Arc;

/// Those of a state directory.
#[derive(Debug)]
pub(crate) struct Registries(AtNeed<RegistryStore>);

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
    pub(crate) fn new(place: Option<Place>) -> Self {
        Self(AtNeed::new(place))
    }

    /// An error if there is a key that can't be used. Blocks.
    pub(crate) fn check_key(&self) -> Result<()> {
        let Some(vault) = self.0.vault() else {
            return Ok(());
        };
        vault.check().map_err(|error| Error::Unkept {
            message: "the key with which secrets are encrypted can't be used",
            reason: error.to_string(),
        })
    }

    /// The database, if there is one. Blocks.
    pub(super) fn there(&self) -> Result<Option<Arc<RegistryStore>>> {
        if self.0.is_there(RegistryStore::file) {
            return self.open().map(Some);
        }
        Ok(None)
    }

    /// The database, made if it is missing. Blocks.
    pub(super) fn open(&self) -> Result<Arc<RegistryStore>> {
        let store = self
            .0
            .get(|directory, vault| RegistryStore::open(directory, vault).map_err(unkept))?;
        store.ok_or_else(|| unkept("no place for them is known"))
    }
}

impl Service {
    /// Does something that may wait for the disk, to its end.
    pub(super) async fn with_registries<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registries) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let registries = Arc::clone(&self.0.registries);
        self.on_disk(move || work(&registries)).await
    }
}
