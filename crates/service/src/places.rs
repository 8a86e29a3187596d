//! Places for what may stay open for hours: a bounded number, and a refusal at once past that.

use crate::{Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many things of one kind may be open.
#[derive(Debug)]
pub(crate) struct Places {
    /// Of what, for people.
    what: &'static str,
    /// The setting that says how many.
    setting: &'static str,
    limit: usize,
    free: Arc<Semaphore>,
}

/// One of them; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(what: &'static str, setting: &'static str, limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            what,
            setting,
            limit,
            free: Arc::new(Semaphore::new(limit)),
        }
    }

    /// A place, or a refusal at once: the others may stay for hours.
    pub(crate) fn take(&self) -> Result<Place> {
        match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => Ok(Place { _permit: permit }),
            Err(_) => Err(Error::Full {
                what: self.what,
                limit: self.limit,
                setting: self.setting,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Places::new("streams of output", "limits.streams", 1);
        let first = places.take().expect("free");
        assert!(matches!(places.take(), Err(Error::Full { limit: 1, .. })));
        drop(first);
        assert!(places.take().is_ok());
    }
}
