//! What of lifetimes is kept in the state directory: the name of their keeper, and how they were changed.

use super::label::{millis, time};
use crate::{Error, Result};
use podlane_engine::ContainerId;
use podlane_store::Store;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Kept {
    directory: Option<PathBuf>,
    store: Mutex<Option<Arc<Store>>>,
    /// The keeper's name where nothing can be kept: it ends with this process.
    passing: OnceLock<String>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
fn unkept(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "how long containers live can't be read or kept",
        reason: reason.to_string(),
    }
}

/// A number that nobody else has.
pub(super) fn number() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::Internal {
        step: "drawing a random number",
        reason: error.to_string(),
    })
}

impl Kept {
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            store: Mutex::default(),
            passing: OnceLock::new(),
        }
    }

    /// The database; `None` if there is none, and none is to be made.
    fn store(&self, make: bool) -> Result<Option<Arc<Store>>> {
        let mut open = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none()
            && let Some(directory) = &self.directory
            && (make || Store::file(directory).exists())
        {
            *open = Some(Arc::new(Store::open(directory).map_err(unkept)?));
        }
        Ok(open.clone())
    }

    /// The name of this server as a keeper, if it has kept anything yet. Blocks, like all that follows.
    pub(super) fn keeper(&self) -> Result<Option<String>> {
        if self.directory.is_none() {
            return Ok(self.passing.get().cloned());
        }
        let store = self.store(false)?;
        let keeper = store.map(|store| store.keeper()).transpose();
        keeper.map(Option::flatten).map_err(unkept)
    }

    /// The same; a new one, if it has not.
    pub(super) fn keeper_or_new(&self) -> Result<String> {
        let new = format!("{:016x}", number()?);
        match self.store(true)? {
            Some(store) => store.keeper_or(&new).map_err(unkept),
            None => Ok(self.passing.get_or_init(|| new).clone()),
        }
    }

    /// When a container expires, if that was changed.
    pub(super) fn extension(&self, id: &ContainerId) -> Result<Option<SystemTime>> {
        let Some(store) = self.store(false)? else {
            return Ok(None);
        };
        let kept = store.extension(id.as_str()).map_err(unkept)?;
        Ok(kept.and_then(time))
    }

    pub(super) fn extend(
        &self,
        id: &ContainerId,
        expires: SystemTime,
        latest: SystemTime,
    ) -> Result<()> {
        let store = self.store(true)?;
        let store = store.ok_or_else(|| unkept("no place for it is known"))?;
        let kept = store.extend(id.as_str(), millis(expires), millis(latest));
        kept.map_err(unkept)
    }

    /// Forgets what nobody will ask for any more.
    pub(super) fn forget(&self, before: SystemTime) -> Result<()> {
        match self.store(false)? {
            Some(store) => store.forget_extensions(millis(before)).map_err(unkept),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn id() -> ContainerId {
        ContainerId::parse(&"a".repeat(64)).expect("an ID")
    }

    #[test]
    fn a_keeper_stays_the_same_and_is_made_when_it_is_needed() {
        let directory = tempfile::tempdir().expect("a directory");
        let open = || Kept::new(Some(directory.path().to_owned()));
        let kept = open();
        assert_eq!(kept.keeper().expect("asked"), None);
        assert!(!Store::file(directory.path()).exists());
        let name = kept.keeper_or_new().expect("made");
        let later = super::super::label::now() + Duration::from_secs(60);
        kept.extend(&id(), later, later).expect("kept");
        let kept = open();
        assert_eq!(kept.keeper().expect("asked"), Some(name));
        assert_eq!(kept.extension(&id()).expect("asked"), Some(later));
    }

    #[test]
    fn without_a_place_nothing_is_extended() {
        let kept = Kept::new(None);
        assert_eq!(kept.keeper().expect("asked"), None);
        let name = kept.keeper_or_new().expect("made");
        assert_eq!(kept.keeper_or_new().expect("the same"), name);
        assert_eq!(kept.keeper().expect("asked"), Some(name));
        let now = SystemTime::now();
        assert!(matches!(
            kept.extend(&id(), now, now),
            Err(Error::Unkept { .. })
        ));
        assert_eq!(kept.extension(&id()).expect("asked"), None);
        kept.forget(now).expect("nothing");
    }
}
