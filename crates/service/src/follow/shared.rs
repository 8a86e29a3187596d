//! One reading of a log for all that follow it.
//!
//! The last pieces are kept for a while in a ring, and each follower takes them at its own pace. One that
//! comes too late for a piece has missed it: it reads the log itself, from the beginning, and joins the
//! others again where they are. So nobody waits for anybody, and a ring is all that is held.

use super::reading::{Part, Reading};
use super::{Progress, Told};
use crate::{Call, Result, Service};
use bytes::Bytes;
use podlane_engine::{ContainerId, LogQuery, Source, Status};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::sleep;

/// Bytes that a ring holds at most.
const RING: usize = 256 << 10;
/// What a piece takes beside its bytes.
const OVERHEAD: usize = 128;
/// After so long a silence nothing is kept: who still has not taken it is too slow.
const SILENCE: Duration = Duration::from_secs(5);

/// Which log, and since when: places in it count from there.
pub(super) type Subject = (ContainerId, Option<SystemTime>);

/// The logs that are followed.
pub(crate) type Followed = Mutex<HashMap<Subject, Arc<Shared>>>;

/// A log that is followed.
#[derive(Debug)]
pub(crate) struct Shared {
    ring: Mutex<Ring>,
    /// Told of whatever changes.
    news: watch::Sender<()>,
}

/// The last of a log.
#[derive(Debug, Default)]
struct Ring {
    parts: VecDeque<Arc<Part>>,
    bytes: usize,
    /// Where what is kept begins.
    begin: Progress,
    end: Progress,
    over: Option<Over>,
}

#[derive(Debug, Clone, Copy)]
enum Over {
    Ended {
        status: Option<Status>,
        exit_code: Option<i32>,
    },
    /// The engine broke off.
    Broken,
}

/// What there is for a follower.
enum Next {
    Told(Told),
    /// Nothing yet.
    Nothing,
    /// It has to read the log itself.
    Missed,
}

impl Ring {
    fn push(&mut self, part: Arc<Part>) {
        self.bytes += part.data.len() + OVERHEAD;
        self.end = part.end;
        self.parts.push_back(part);
        while self.bytes > RING && self.parts.len() > 1 {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(part) = self.parts.pop_front() {
            self.bytes -= part.data.len() + OVERHEAD;
            self.begin = part.end;
        }
    }

    /// What comes behind a place.
    fn behind(&self, only: Option<Source>, place: u64) -> Next {
        if self.begin.of(only) > place {
            return Next::Missed;
        }
        let at = self
            .parts
            .partition_point(|part| part.end.of(only) <= place);
        match (self.parts.get(at), self.over) {
            (Some(part), _) => Next::Told(Told::Part(Arc::clone(part))),
            (None, Some(Over::Ended { status, exit_code })) => {
                Next::Told(Told::End { status, exit_code })
            }
            (None, Some(Over::Broken)) => Next::Missed,
            (None, None) => Next::Nothing,
        }
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        change(&mut self.ring());
        self.news.send_replace(());
    }
}

/// A follower's place among the others.
#[derive(Debug)]
pub(super) struct Joined {
    shared: Arc<Shared>,
    news: watch::Receiver<()>,
}

impl Joined {
    /// What comes behind a place; `None` if the follower has to read that itself. Cancel safe.
    pub(super) async fn next(&mut self, only: Option<Source>, place: u64) -> Option<Told> {
        loop {
            self.news.mark_unchanged();
            match self.shared.ring().behind(only, place) {
                Next::Told(told) => return Some(told),
                Next::Missed => return None,
                Next::Nothing => {}
            }
            self.news.changed().await.ok()?;
        }
    }
}

impl Service {
    fn followed(&self) -> MutexGuard<'_, HashMap<Subject, Arc<Shared>>> {
        let followed = &self.0.followed;
        followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins those who follow a log, if what comes behind a place can still be had there.
    pub(super) fn join(
        &self,
        subject: &Subject,
        only: Option<Source>,
        place: u64,
    ) -> Option<Joined> {
        let followed = self.followed();
        let shared = followed.get(subject)?;
        let ring = shared.ring();
        let there = ring.begin.of(only) <= place && ring.over.is_none();
        drop(ring);
        there.then(|| Joined {
            shared: Arc::clone(shared),
            news: shared.news.subscribe(),
        })
    }

    /// The same, and begins to follow it if nobody does.
    pub(super) fn join_or_begin(
        &self,
        call: &Call,
        subject: &Subject,
        only: Option<Source>,
        place: u64,
    ) -> Option<Joined> {
        let mut followed = self.followed();
        if followed.contains_key(subject) {
            drop(followed);
            return self.join(subject, only, place);
        }
        let (news, receiver) = watch::channel(());
        let shared = Arc::new(Shared {
            ring: Mutex::default(),
            news,
        });
        followed.insert(subject.clone(), Arc::clone(&shared));
        let (id, since) = subject.clone();
        let query = LogQuery {
            since,
            follow: true,
            times: true,
            ..LogQuery::default()
        };
        let reading = Reading::new(self.clone(), call.clone(), id, query);
        let task = share(self.clone(), subject.clone(), Arc::clone(&shared), reading);
        self.0.tasks.spawn(task);
        Some(Joined {
            shared,
            news: receiver,
        })
    }

    /// Whether nobody follows a log any more; then the next one begins anew.
    fn is_left(&self, subject: &Subject, shared: &Shared) -> bool {
        let mut followed = self.followed();
        let left = shared.news.receiver_count() == 0;
        if left {
            followed.remove(subject);
        }
        left
    }
}

/// Reads a log for as long as somebody follows it, or until it ends.
async fn share(service: Service, subject: Subject, shared: Arc<Shared>, mut reading: Reading) {
    let stopping = service.0.stopping.clone();
    let over = loop {
        let kept = !shared.ring().parts.is_empty();
        tokio::select! {
            told = reading.next() => match told {
                Ok(Told::Part(part)) => shared.change(|ring| ring.push(compact(&part))),
                Ok(Told::End { status, exit_code }) => break Over::Ended { status, exit_code },
                Err(error) => {
                    tracing::debug!(%error, "a log that is followed broke off");
                    break Over::Broken;
                }
            },
            () = sleep(SILENCE), if kept => {
                let mut ring = shared.ring();
                while !ring.parts.is_empty() {
                    ring.drop_first();
                }
                ring.parts.shrink_to_fit();
            }
            () = shared.news.closed() => {
                if service.is_left(&subject, &shared) {
                    return;
                }
            }
            () = stopping.cancelled() => break Over::Broken,
        }
    };
    // Whoever comes from now on reads for itself what is left of it.
    service.followed().remove(&subject);
    shared.change(|ring| ring.over = Some(over));
}

/// A copy, so that a small piece does not keep a large network buffer alive.
fn compact(part: &Part) -> Arc<Part> {
    Arc::new(Part {
        data: Bytes::copy_from_slice(&part.data),
        ..part.clone()
    })
}

/// For how long a log has to be silent until who reads it alone has all of it.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// What a follower that reads for itself is told; `None` if that is nothing for a while.
pub(super) async fn alone(reading: &mut Reading) -> Result<Option<Told>> {
    tokio::select! {
        told = reading.next() => told.map(Some),
        () = sleep(QUIET) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(source: Source, bytes: usize, end: (u64, u64)) -> Arc<Part> {
        Arc::new(Part {
            source,
            data: vec![b'x'; bytes].into(),
            time: None,
            begun: None,
            lead: Bytes::new(),
            end: Progress {
                stdout: end.0,
                stderr: end.1,
            },
        })
    }

    fn told(ring: &Ring, only: Option<Source>, place: u64) -> Option<u64> {
        match ring.behind(only, place) {
            Next::Told(Told::Part(part)) => Some(part.end.of(only)),
            Next::Told(Told::End { .. }) => Some(u64::MAX),
            Next::Nothing => Some(0),
            Next::Missed => None,
        }
    }

    #[test]
    fn each_takes_what_comes_behind_its_place() {
        let (out, err) = (Some(Source::Stdout), Some(Source::Stderr));
        let mut ring = Ring::default();
        ring.push(part(Source::Stdout, 3, (3, 0)));
        ring.push(part(Source::Stderr, 2, (3, 2)));
        ring.push(part(Source::Stdout, 4, (7, 2)));
        for (only, place, expected) in [
            (None, 0, 3),
            (None, 2, 3),
            (None, 3, 5),
            (None, 5, 9),
            (None, 9, 0),
            (None, 99, 0),
            (out, 0, 3),
            (out, 3, 7),
            (out, 7, 0),
            (err, 0, 2),
            (err, 2, 0),
        ] {
            assert_eq!(told(&ring, only, place), Some(expected), "{only:?} {place}");
        }
        ring.drop_first();
        ring.drop_first();
        assert_eq!(
            (told(&ring, None, 4), told(&ring, None, 5)),
            (None, Some(9))
        );
        assert_eq!((told(&ring, err, 1), told(&ring, err, 2)), (None, Some(0)));
        ring.over = Some(Over::Ended {
            status: None,
            exit_code: None,
        });
        assert_eq!(told(&ring, None, 5), Some(9));
        assert_eq!(told(&ring, None, 9), Some(u64::MAX));
        ring.over = Some(Over::Broken);
        assert_eq!(told(&ring, None, 9), None);
    }

    #[test]
    fn a_ring_holds_so_much_and_no_more() {
        let mut ring = Ring::default();
        for count in 1..100_000_u64 {
            ring.push(part(Source::Stdout, 1, (count, 0)));
        }
        assert!(ring.bytes <= RING && ring.parts.len() <= RING / OVERHEAD);
        assert_eq!(told(&ring, None, 99_998), Some(99_999));
        assert_eq!(told(&ring, None, 5), None);
        ring.push(part(Source::Stdout, 2 * RING, (1 << 30, 0)));
        assert_eq!(ring.parts.len(), 1);
    }
}
