//! What happens at a path, told as it happens, and kept for a while for a reader who comes back.

use super::outside_kernel;
use super::reach::At;
use crate::places::Place;
use crate::work::Work;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::ContainerRef;
use podlane_engine::inside::{self, Entry, Seen};
use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How much is kept for readers who are behind.
const KEPT: usize = 4096;
/// How long a watch goes on without a reader.
const ALONE: Duration = Duration::from_secs(60);
/// How many directories one watch has, at most.
const DIRECTORIES: u32 = 8192;

/// What a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Something happened.
    Seen(Seen),
    /// Things happened that are not known any more; how many, if that is.
    Lost(Option<u64>),
    /// The watch is over; why, for people.
    Ended(String),
}

/// A [`Happening`] and its number: what comes behind it can be asked for by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The watch and the number.
    pub id: String,
    /// What happened.
    pub what: Happening,
}

/// The watches under way, by their names.
#[derive(Debug, Default)]
pub(crate) struct Watches(Mutex<HashMap<String, Arc<Watch>>>);

/// A watch, which any number of readers follow.
#[derive(Debug)]
struct Watch {
    name: String,
    /// What it is a watch of.
    subject: Subject,
    ring: Mutex<Ring>,
    /// The number of the next event.
    next: watch::Sender<u64>,
}

#[derive(Debug, PartialEq, Eq)]
struct Subject {
    container: ContainerRef,
    path: String,
    user: Option<String>,
    recursive: bool,
}

#[derive(Debug)]
struct Ring {
    first: u64,
    events: VecDeque<Happening>,
    readers: usize,
    /// Since when there is no reader.
    alone: Instant,
}

/// A reader of a watch.
#[derive(Debug)]
pub struct Watching {
    watch: Arc<Watch>,
    next: watch::Receiver<u64>,
    /// The number of the next event to tell.
    at: u64,
    /// What is told before.
    missed: bool,
    ended: bool,
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    /// Watches a file, a directory, or with `recursive` all below it. `last` is the last event that a
    /// reader was told: it goes on behind that one if the watch is still there.
    pub async fn watch_files(
        &self,
        call: &Call,
        at: &At,
        recursive: bool,
        last: Option<&str>,
    ) -> Result<Watching> {
        call.may(Scope::FilesRead)?;
        outside_kernel(&at.path)?;
        self.resolve(call, &at.container).await?;
        let subject = Subject {
            container: at.container.clone(),
            path: at.path.to_string(),
            user: at.user.as_ref().map(ToString::to_string),
            recursive,
        };
        let known = last.and_then(|last| last.split_once('-'));
        if let Some((name, number)) = known
            && let Some(watch) = self.watches().get(name).cloned()
            && watch.subject == subject
            && let Ok(number) = number.parse::<u64>()
        {
            return Ok(Watching::new(watch, number.saturating_add(1), false));
        }
        let place = self.0.streams.take()?;
        let work = inside::Work::Watch {
            path: at.path.as_str().into(),
            recursive,
            limit: DIRECTORIES,
        };
        let mut work = self.reach(call, at).await?.agent(&work).await?;
        let _: Entry = work.first().await?;
        work.wait_for_ever();
        let random = getrandom::u64().map_err(|error| Error::Internal {
            step: "drawing a random number",
            reason: error.to_string(),
        })?;
        let watch = Arc::new(Watch {
            name: format!("{random:016x}"),
            subject,
            ring: Mutex::new(Ring {
                first: 0,
                events: VecDeque::new(),
                readers: 0,
                alone: Instant::now(),
            }),
            next: watch::Sender::new(0),
        });
        self.watches()
            .insert(watch.name.clone(), Arc::clone(&watch));
        let reader = Watching::new(Arc::clone(&watch), 0, last.is_some());
        let service = self.clone();
        self.0
            .tasks
            .spawn(async move { service.follow(&watch, work, place).await });
        Ok(reader)
    }

    fn watches(&self) -> MutexGuard<'_, HashMap<String, Arc<Watch>>> {
        let watches = self.0.watches.0.lock();
        watches.unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what happens, until the end or until nobody has read for a while.
    async fn follow(&self, watch: &Watch, mut work: Work, _place: Place) {
        let why = loop {
            let mut next = pin!(work.record::<Seen>());
            let seen = loop {
                let (readers, alone) = {
                    let ring = lock(&watch.ring);
                    (ring.readers, ring.alone)
                };
                tokio::select! {
                    seen = &mut next => break seen,
                    () = sleep_until(alone.max(Instant::now() - ALONE / 2) + ALONE) => {
                        if readers == 0 && lock(&watch.ring).alone.elapsed() >= ALONE {
                            break Ok(None);
                        }
                    }
                    () = self.0.stopping.cancelled() => break Err(Error::Stopping),
                }
            };
            match seen {
                Ok(Some(seen)) if seen.what == inside::Watched::Overflow => {
                    watch.tell(Happening::Lost(None));
                }
                Ok(Some(seen)) => watch.tell(Happening::Seen(seen)),
                Ok(None) => break "the watch is over".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        self.watches().remove(&watch.name);
        watch.tell(Happening::Ended(why));
    }
}

impl Watch {
    fn tell(&self, what: Happening) {
        let mut ring = lock(&self.ring);
        if ring.events.len() == KEPT {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(what);
        let next = ring.first + ring.events.len() as u64;
        drop(ring);
        self.next.send_replace(next);
    }
}

impl Watching {
    fn new(watch: Arc<Watch>, at: u64, missed: bool) -> Self {
        lock(&watch.ring).readers += 1;
        Self {
            next: watch.next.subscribe(),
            watch,
            at,
            missed,
            ended: false,
        }
    }

    /// What happens next; `None` after the end. Cancel safe.
    pub async fn next(&mut self) -> Option<Watched> {
        if self.ended {
            return None;
        }
        if std::mem::take(&mut self.missed) {
            // Of the watch before nothing is known.
            return Some(self.watched(self.at, Happening::Lost(None)));
        }
        loop {
            let told = {
                let ring = lock(&self.watch.ring);
                if self.at < ring.first {
                    let lost = ring.first - self.at;
                    self.at = ring.first;
                    Some((self.at, Happening::Lost(Some(lost))))
                } else {
                    let index = usize::try_from(self.at - ring.first).unwrap_or(usize::MAX);
                    ring.events
                        .get(index)
                        .map(|what| (self.at + 1, what.clone()))
                }
            };
            if let Some((next, what)) = told {
                self.at = next;
                self.ended = matches!(what, Happening::Ended(_));
                return Some(self.watched(next, what));
            }
            // It is kept for as long as the watch is.
            let _ = self.next.changed().await;
        }
    }

    fn watched(&self, next: u64, what: Happening) -> Watched {
        // One less, as of an event before the first, can't be written.
        let id = match next.checked_sub(1) {
            Some(number) => format!("{}-{number}", self.watch.name),
            None => self.watch.name.clone(),
        };
        Watched { id, what }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut ring = lock(&self.watch.ring);
        ring.readers -= 1;
        ring.alone = Instant::now();
    }
}
