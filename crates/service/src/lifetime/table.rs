//! The lifetimes that this server knows.

use super::kept::Kept;
use super::label::{LIFE_LABEL, Terms};
use super::life::Life;
use super::{Lifetime, NewLifetime};
use crate::{Call, Error, Result, Service};
use podlane_engine::{ContainerId, Error as EngineError, ImageRef};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};

#[derive(Debug)]
pub(crate) struct Lives {
    /// Of containers with a label; `None` if it is not their own.
    known: Mutex<HashMap<ContainerId, Option<Arc<Life>>>>,
    kept: Arc<Kept>,
    /// Tells the reaper that something may be due earlier than it thinks.
    pub(super) changed: Notify,
    /// Ends that are brought about at once: requests need workers too.
    pub(super) ends: Semaphore,
}

impl Lives {
    pub(crate) fn new(directory: Option<PathBuf>, workers: usize) -> Self {
        Self {
            known: Mutex::default(),
            kept: Arc::new(Kept::new(directory)),
            changed: Notify::new(),
            ends: Semaphore::new((workers / 2).clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ContainerId, Option<Arc<Life>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: &ContainerId) -> Option<Arc<Life>> {
        self.known().get(id).cloned().flatten()
    }

    pub(crate) fn is_known(&self, id: &ContainerId) -> bool {
        self.known().contains_key(id)
    }

    /// Those that can come to an end.
    pub(super) fn all(&self) -> Vec<(ContainerId, Arc<Life>)> {
        let known = self.known();
        let all = known.iter().filter_map(|(id, life)| {
            let life = life.as_ref()?;
            Some((id.clone(), Arc::clone(life)))
        });
        all.collect()
    }

    pub(super) fn ids(&self) -> HashSet<ContainerId> {
        self.known().keys().cloned().collect()
    }

    /// What was first known of a container stays.
    fn add(&self, id: &ContainerId, life: Option<Life>) -> Option<Arc<Life>> {
        let mut known = self.known();
        let life = known.entry(id.clone()).or_insert(life.map(Arc::new));
        self.changed.notify_one();
        life.clone()
    }

    pub(super) fn forget(&self, id: &ContainerId) {
        self.known().remove(id);
    }

    /// Asks what is kept, where that disturbs nobody.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Kept) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let kept = Arc::clone(&self.kept);
        let answered = tokio::task::spawn_blocking(move || question(&kept)).await;
        answered.map_err(|error| Error::Internal {
            step: "asking for lifetimes",
            reason: error.to_string(),
        })?
    }

    /// Who keeps the time of a new container; `None` if it lives for ever.
    pub(crate) async fn keeper(&self, new: &NewLifetime) -> Result<Option<Keeper>> {
        if new.ttl.is_none() && new.idle_timeout.is_none() {
            return Ok(None);
        }
        let number = super::kept::number()?;
        let name = self.ask(Kept::keeper_or_new).await?;
        Ok(Some(Keeper { name, number }))
    }

    /// Knows a container that was made on these terms.
    pub(crate) fn begin(&self, id: &ContainerId, terms: Terms) -> Option<Lifetime> {
        let life = self.add(id, Some(Life::new(terms, true, None)))?;
        life.begin();
        Some(life.told())
    }
}

/// Who keeps the time of a new container.
#[derive(Debug)]
pub(crate) struct Keeper {
    name: String,
    /// The container's own number.
    number: u64,
}

impl Keeper {
    /// The terms of a container that is made now.
    pub(crate) fn agree(&self, new: &NewLifetime) -> Option<Terms> {
        Terms::of(new, &self.name, self.number)
    }
}

impl Service {
    /// The lifetime of a container with these labels; `None` if it has none of its own.
    pub(super) async fn life(
        &self,
        call: &Call,
        id: &ContainerId,
        labels: &BTreeMap<String, String>,
    ) -> Result<Option<Arc<Life>>> {
        let lives = &self.0.lives;
        let Some(label) = labels.get(LIFE_LABEL) else {
            return Ok(None);
        };
        if lives.is_known(id) {
            return Ok(lives.get(id));
        }
        let Some(terms) = Terms::parse(label) else {
            return Ok(None);
        };
        if self.is_inherited(call, id, label).await? {
            return Ok(lives.add(id, None));
        }
        let subject = id.clone();
        let keeper = terms.keeper.clone();
        let asked = lives.ask(move |kept| {
            let own = kept.keeper()?.is_some_and(|own| own == keeper);
            let extended = if own { kept.extension(&subject)? } else { None };
            Ok((own, extended))
        });
        let (own, extended) = asked.await?;
        Ok(lives.add(id, Some(Life::new(terms, own, extended))))
    }

    /// Whether a container has its label from its image.
    async fn is_inherited(&self, call: &Call, id: &ContainerId, label: &str) -> Result<bool> {
        let engine = &self.0.engine;
        let container = engine.inspect(call, &id.into()).await?;
        let Ok(image) = ImageRef::parse(&container.image_id) else {
            return Ok(false);
        };
        match engine.image(call, &image).await {
            Ok(image) => Ok(image.labels.get(LIFE_LABEL).is_some_and(|own| own == label)),
            Err(EngineError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What is told of it.
    pub(crate) async fn lifetime(
        &self,
        call: &Call,
        id: &ContainerId,
        labels: &BTreeMap<String, String>,
    ) -> Result<Option<Lifetime>> {
        let life = self.life(call, id, labels).await?;
        Ok(life.map(|life| life.told()))
    }
}
