//! What is left to be removed if a work is killed: noted by its process, read by the worker.

use super::remove;
use super::resolve::{self, Link};
use super::temporary::is_temporary;
use crate::sys::Shared;

/// Room for a path and a length.
const ROOM: usize = 8 << 10;

/// One path, in memory that a worker shares with the processes that it forks.
pub(crate) struct Note(Shared);

impl Note {
    pub(crate) fn new() -> std::io::Result<Self> {
        Shared::new(ROOM).map(Self)
    }

    /// Notes what there is only for now.
    pub(super) fn set(&self, path: &[u8]) {
        self.0.put(path);
    }

    pub(super) fn clear(&self) {
        self.0.put(&[]);
    }

    /// Removes what is noted, after its work has ended.
    pub(crate) fn clean(&self) {
        let path = self.0.get();
        self.clear();
        if path.is_empty() {
            return;
        }
        // No command's doing can make it anything but a temporary name.
        if let Ok(spot) = resolve::spot(&path, Link::Itself, None)
            && is_temporary(&spot.name)
        {
            let _ = remove::whatever(&spot.directory, &spot.name);
        }
    }
}
