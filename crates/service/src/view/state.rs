//! What is known of all containers, and what of it is out of date. Asks nobody and knows no clock.
//!
//! Whatever may have changed is marked, and marks are counted. A reader needs the marks of before it came;
//! a round takes the marks of before it began. There is one round at a time, so no row is put back. Beside the
//! rounds all is listed anew when the list is old; what a round takes meanwhile is not taken from there.

use super::rows::{Row, Rows};
use podlane_engine::ContainerId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long after its event a change may still be unseen by a list: Podman 5 tells first and saves then, and
/// its list does not wait for who saves. Looking at the one container does.
const SETTLING: Duration = Duration::from_secs(5);
/// So many containers are looked at one by one; for more of them the engine lists all.
const FEW: usize = 16;
/// So many are remembered while nobody reads; for more of them all is listed.
const MOST: usize = 1024;
/// After this time all is listed anew, because not everything that happens is told.
const AGE: Duration = Duration::from_secs(10);

/// A list that is being made anew beside the rounds.
#[derive(Debug)]
struct Aside {
    begun: Instant,
    /// What rounds have taken since.
    taken: HashSet<ContainerId>,
    /// Not since a round lists all.
    wanted: bool,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct State {
    rows: Arc<Rows>,
    /// Whether the engine tells what happens.
    live: bool,
    marks: u64,
    /// The rows are true as of this mark.
    fresh: u64,
    /// The last round that failed would have made them true as of this one.
    failed: u64,
    /// Some reader waits for this one.
    wanted: u64,
    /// Nothing of the list is sure.
    unsure: bool,
    /// Which containers are not sure, and when something of them was told.
    some: HashMap<ContainerId, Option<Instant>>,
    /// When the last list of all was begun.
    listed: Option<Instant>,
    aside: Option<Aside>,
    /// Whether somebody makes rounds.
    busy: bool,
    read: Option<Instant>,
    /// Containers that have changed, and nothing was told of them yet.
    untold: HashSet<ContainerId>,
}

/// What a reader gets.
#[derive(Debug)]
pub(super) enum Reading {
    /// The rows, and whether somebody should list all anew for later readers.
    Rows(Arc<Rows>, bool),
    /// To be waited for, and whether somebody should make a round.
    Wait(u64, bool),
}

/// What has become of a wait.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The rows.
    Rows(Arc<Rows>),
    /// The engine could not be asked.
    Failed,
    /// Nothing yet.
    Pending,
}

/// What is asked of the engine at one go: at first the list, then the single containers.
#[derive(Debug)]
pub(super) struct Round {
    covers: u64,
    /// Whether all are listed.
    pub(super) all: bool,
    /// Which are looked at.
    pub(super) some: Vec<ContainerId>,
    taken: HashMap<ContainerId, Option<Instant>>,
    begun: Instant,
}

/// What the engine has answered.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The list, if it was asked for.
    pub(super) all: Option<Vec<Row>>,
    /// What became of those that were looked at; `None` for one that is gone.
    pub(super) some: Vec<(ContainerId, Option<Row>)>,
}

fn is_young(heard: Option<Instant>, now: Instant) -> bool {
    heard.is_some_and(|heard| now.saturating_duration_since(heard) < SETTLING)
}

impl State {
    /// A container was changed by us.
    pub(super) fn mark(&mut self, id: &ContainerId) {
        self.marks += 1;
        if self.some.len() >= MOST {
            self.unsure = true;
            self.some.retain(|_, heard| heard.is_some());
        }
        self.some.entry(id.clone()).or_insert(None);
    }

    /// Containers were changed by us, or may have been.
    pub(super) fn mark_all(&mut self) {
        self.marks += 1;
        self.unsure = true;
    }

    /// The engine tells that something happens to a container.
    pub(super) fn hear(&mut self, id: &ContainerId, now: Instant) {
        self.marks += 1;
        self.untold.remove(id);
        if self.some.len() >= MOST {
            self.unsure = true;
            self.some.retain(|_, heard| is_young(*heard, now));
        }
        self.some.insert(id.clone(), Some(now));
    }

    /// The engine begins to tell what happens, or does not tell it any more.
    pub(super) fn connect(&mut self, live: bool) {
        self.live = live;
        self.untold.clear();
        self.mark_all();
    }

    /// Whether the engine tells what happens.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// When the last reader came.
    pub(super) fn last_read(&self) -> Option<Instant> {
        self.read
    }

    /// What a reader gets who comes now.
    pub(super) fn read(&mut self, now: Instant) -> Reading {
        self.read = Some(now);
        let age = self
            .listed
            .map(|listed| now.saturating_duration_since(listed));
        if !self.live || age.is_none_or(|age| age >= 2 * AGE) {
            self.mark_all();
        }
        if self.fresh == self.marks {
            let anew = age.is_some_and(|age| age >= AGE) && self.aside.is_none();
            if anew {
                self.aside = Some(Aside {
                    begun: now,
                    taken: HashSet::new(),
                    wanted: true,
                });
            }
            return Reading::Rows(Arc::clone(&self.rows), anew);
        }
        self.wanted = self.marks;
        Reading::Wait(self.marks, !std::mem::replace(&mut self.busy, true))
    }

    /// What has become of a wait for a mark.
    pub(super) fn look(&self, need: u64) -> Outcome {
        if self.fresh >= need {
            Outcome::Rows(Arc::clone(&self.rows))
        } else if self.failed >= need {
            Outcome::Failed
        } else {
            Outcome::Pending
        }
    }

    /// Whether there is nothing to do for who makes rounds; then somebody else will have to.
    pub(super) fn is_idle(&mut self) -> bool {
        let idle = self.wanted <= self.fresh.max(self.failed);
        self.busy = !idle;
        idle
    }

    /// Begins a round for all that is marked now.
    pub(super) fn begin(&mut self, now: Instant) -> Round {
        let taken = std::mem::take(&mut self.some);
        let young = taken.values().filter(|heard| is_young(**heard, now));
        let young = young.count();
        let all = std::mem::take(&mut self.unsure) || taken.len() - young > FEW;
        if let Some(aside) = &mut self.aside {
            aside.wanted &= !all;
            aside.taken.extend(taken.keys().cloned());
        }
        let some = taken
            .iter()
            .filter(|(_, heard)| !all || is_young(**heard, now))
            .map(|(id, _)| id.clone())
            .collect();
        Round {
            covers: self.marks,
            all,
            some,
            taken,
            begun: now,
        }
    }

    /// Ends a round with what the engine has answered; `None` if it has not.
    pub(super) fn end(&mut self, round: Round, found: Option<Found>) {
        let Some(found) = found else {
            self.unsure |= round.all;
            for (id, heard) in round.taken {
                let kept = self.some.entry(id).or_default();
                *kept = (*kept).max(heard);
            }
            return self.give_up();
        };
        if found.all.is_some() {
            self.listed = Some(round.begun);
        }
        self.fresh = round.covers;
        if let Some(rows) = self.rows.with(found) {
            self.rows = Arc::new(rows);
        }
    }

    /// Ends the list that was made anew beside the rounds; `None` if the engine has not answered. Answers whether to
    /// doubt that the engine tells what happens: of a change that the list before found, nothing was told since.
    pub(super) fn end_aside(&mut self, all: Option<Vec<Row>>) -> bool {
        let aside = self.aside.take().filter(|aside| aside.wanted);
        let (Some(aside), Some(all)) = (aside, all) else {
            return false;
        };
        self.listed = Some(aside.begun);
        let doubtful = !self.untold.is_empty();
        self.untold.clear();
        if let Some(rows) = self.rows.listed_anew(all, &aside.taken) {
            let changed = self.rows.differing(&rows);
            let untold = changed.filter(|id| !self.some.contains_key(*id));
            self.untold.extend(untold.cloned());
            self.rows = Arc::new(rows);
        }
        doubtful
    }

    /// Whoever waits now waits in vain.
    pub(super) fn give_up(&mut self) {
        self.failed = self.marks;
        // Who comes from now on needs a round that has not failed.
        self.marks += 1;
    }

    /// Nobody makes rounds any more, with or without an end.
    pub(super) fn abandon(&mut self) {
        self.give_up();
        self.unsure = true;
        self.busy = false;
    }
}
