//! Where webhooks are kept: the database, with all of them in memory too, of one server at a time.

use super::{Webhook, now};
use crate::at_need::{AtNeed, Place};
use crate::{Error, Result};
use podlane_store::{Vault, WebhookStore};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::Notify;

/// Those of a state directory.
#[derive(Debug)]
pub(crate) struct Webhooks {
    kept: AtNeed<Kept>,
    /// Others are enabled than before.
    pub(super) changed: Notify,
    /// There may be something to send.
    pub(super) due: Notify,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) store: WebhookStore,
    all: RwLock<Arc<Vec<Arc<Webhook>>>>,
    /// Held by whoever changes them.
    changing: Mutex<()>,
    /// Another server would send everything once more.
    _lock: File,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
pub(super) fn unkept(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "webhooks can't be read or kept",
        reason: reason.to_string(),
    }
}

fn lock_file(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let file = options.open(directory.join("webhooks.lock"))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

impl Webhooks {
    pub(crate) fn new(place: Option<Place>) -> Self {
        Self {
            kept: AtNeed::new(place),
            changed: Notify::new(),
            due: Notify::new(),
        }
    }

    /// The database, if there is one. Blocks.
    pub(super) fn there(&self) -> Result<Option<Arc<Kept>>> {
        if self.kept.is_there(WebhookStore::file) {
            return self.open().map(Some);
        }
        Ok(None)
    }

    /// The database, made if it is missing. Blocks.
    pub(super) fn open(&self) -> Result<Arc<Kept>> {
        let kept = self.kept.get(Kept::open)?;
        kept.ok_or_else(|| unkept("no place for them is known"))
    }
}

impl Kept {
    fn open(directory: &Path, vault: Arc<Vault>) -> Result<Self> {
        let store = WebhookStore::open(directory, vault).map_err(unkept)?;
        let lock = lock_file(directory).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => unkept("another server has those of this directory"),
            _ => unkept(error),
        })?;
        let opened = Self {
            all: RwLock::default(),
            changing: Mutex::default(),
            _lock: lock,
            store,
        };
        opened.read()?;
        Ok(opened)
    }

    /// Every webhook, the oldest first.
    pub(super) fn all(&self) -> Arc<Vec<Arc<Webhook>>> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those that are told something.
    pub(super) fn enabled(&self) -> Vec<Arc<Webhook>> {
        let all = self.all();
        let enabled = all.iter().filter(|webhook| webhook.is_told());
        enabled.map(Arc::clone).collect()
    }

    /// To be held while they are changed.
    pub(super) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the database has.
    pub(super) fn read(&self) -> Result<()> {
        let records = self.store.webhooks().map_err(unkept)?.into_iter();
        let all = records.filter_map(|record| {
            let id = record.id.clone();
            let webhook = Webhook::kept(record);
            if webhook.is_none() {
                tracing::error!(webhook = id, "a webhook can't be read and is told nothing");
            }
            webhook.map(Arc::new)
        });
        let all = Arc::new(all.collect());
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }

    /// Keeps a webhook. The first one that is told something begins now.
    pub(super) fn keep(&self, webhook: &Webhook) -> Result<()> {
        if webhook.is_told() && self.enabled().is_empty() {
            self.store.set_place(now()).map_err(unkept)?;
        }
        self.store.keep_webhook(&webhook.record()).map_err(unkept)?;
        self.read()
    }

    /// Ends a webhook that nobody is behind any more.
    pub(super) fn disable(&self, id: &str, reason: &str) -> Result<()> {
        let _changing = self.change();
        self.store.disable_webhook(id, reason).map_err(unkept)?;
        self.read()
    }
}
