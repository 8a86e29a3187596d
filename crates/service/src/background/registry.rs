//! All background commands of this server: so many, and ended ones for so long.

use super::ExecId;
use super::entry::{Entry, Stdin};
use super::store::{self, Store};
use crate::{Error, Limits, Result};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(crate) struct Registry {
    pub(super) store: Store,
    limit: usize,
    retention: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<ExecId, Arc<Entry>>,
    /// Those that are being started.
    starting: usize,
}

/// A place for one more; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Reserved(Arc<Registry>);

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.kept().starting -= 1;
    }
}

impl Reserved {
    /// Takes the place.
    pub(super) fn fill(self, entry: Arc<Entry>) {
        self.0.kept().entries.insert(entry.about.id.clone(), entry);
    }
}

impl Registry {
    /// Opens what is kept below a state directory. Blocks.
    pub(super) fn open(state: &Path, limits: &Limits) -> Result<Self> {
        let store = Store::open(state)?;
        let loaded = store.load().map_err(|error| Error::Unkept {
            message: "background commands can't be kept: the server's state_dir can't be read",
            reason: error.to_string(),
        })?;
        let mut kept = Kept::default();
        for (about, directory, progress) in loaded {
            let stdin: Stdin = Err("the command has ended");
            let id = about.id.clone();
            let entry = Entry {
                about,
                directory,
                progress: watch::Sender::new(progress),
                control: None,
                stdin: Arc::new(tokio::sync::Mutex::new(stdin)),
                given_up: CancellationToken::new(),
            };
            kept.entries.insert(id, Arc::new(entry));
        }
        Ok(Self {
            store,
            limit: limits.execs,
            retention: limits.exec_retention,
            kept: Mutex::new(kept),
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: &ExecId) -> Result<Arc<Entry>> {
        let entry = self.kept().entries.get(id).cloned();
        entry
            .filter(|entry| !self.is_old(entry))
            .ok_or_else(|| super::unknown(id))
    }

    /// All that are kept, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        let kept = self.kept();
        kept.entries
            .values()
            .filter(|entry| !self.is_old(entry))
            .cloned()
            .collect()
    }

    /// Whether it has ended longer ago than ended ones are kept.
    fn is_old(&self, entry: &Entry) -> bool {
        let age = |at| OffsetDateTime::now_utc() - at;
        entry.ended_at().is_some_and(|at| age(at) > self.retention)
    }

    /// A place for one more, for which the oldest ended one may have to go; it, to be removed.
    pub(super) fn reserve(self: &Arc<Self>) -> Result<(Reserved, Option<Arc<Entry>>)> {
        let mut kept = self.kept();
        let mut oldest = None;
        if kept.entries.len() + kept.starting >= self.limit {
            let ended = kept.entries.values();
            let ended = ended.filter_map(|entry| Some((entry.ended_at()?, entry.about.id.clone())));
            let Some((_, id)) = ended.min_by_key(|(at, _)| *at) else {
                return Err(Error::Full {
                    what: "background commands",
                    limit: self.limit,
                    setting: "limits.execs",
                });
            };
            oldest = kept.entries.remove(&id);
        }
        kept.starting += 1;
        Ok((Reserved(Arc::clone(self)), oldest))
    }

    /// Forgets one; its files are still there.
    pub(super) fn take(&self, id: &ExecId) -> Option<Arc<Entry>> {
        self.kept().entries.remove(id)
    }

    /// Removes those that have been kept for long enough. Blocks.
    pub(super) fn clear(&self) {
        let old: Vec<_> = {
            let mut kept = self.kept();
            let ids: Vec<_> = kept
                .entries
                .values()
                .filter(|entry| self.is_old(entry))
                .map(|entry| entry.about.id.clone())
                .collect();
            ids.iter()
                .filter_map(|id| kept.entries.remove(id))
                .collect()
        };
        for entry in old {
            store::remove(&entry.directory);
        }
    }
}
