//! Logs as a stream: what is there, and what comes until the container ends.
//!
//! Places in a log are counted in bytes of what the engine tells, both outputs together or of the one that is
//! wanted. They stay the same whenever the log is read with the same since, until and output, with times or
//! without, so that a reader can go on behind one.

mod ends;
mod mark;
mod reading;
mod shared;
mod sieve;

pub use mark::LogMark;
pub(crate) use shared::Followed;

use crate::logs::{ReadLogs, Tail};
use crate::places::Place;
use crate::{Call, Error, Result, Scope, Service};
use ends::Ends;
use futures_util::StreamExt;
use podlane_engine::{ContainerId, ContainerRef, Error as EngineError, LogQuery, Source, Status};
use reading::{Part, Reading, Track};
use shared::{Joined, Subject, alone};
use sieve::Sieve;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout_at;

/// The time that a reader may follow; nobody means to have a longer one.
const FOLLOWING: Duration = Duration::from_secs(30 * 24 * 3600);
/// Past so many lines from the end all are wanted.
const MOST_LINES: u64 = 1_000_000;

/// What a reader of a log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStep {
    /// A piece of it; with a pattern, a line; with times, a line or a part of one.
    Text {
        /// The output that it was written to.
        source: Source,
        /// It.
        text: String,
        /// When its line was begun, if that was asked for.
        time: Option<SystemTime>,
        /// Where it ends.
        at: u64,
    },
    /// The end.
    End {
        /// What has become of the container; `None` if it is gone.
        status: Option<Status>,
        /// How its main process has ended, if it has.
        exit_code: Option<i32>,
        /// Where the log ends.
        at: u64,
    },
}

/// How far a log has come: bytes of each output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    stdout: u64,
    stderr: u64,
}

impl Progress {
    fn add(&mut self, source: Source, bytes: u64) {
        match source {
            Source::Stdout => self.stdout += bytes,
            Source::Stderr => self.stderr += bytes,
        }
    }

    fn all(self) -> u64 {
        self.stdout + self.stderr
    }

    /// For who wants one output only.
    fn of(self, only: Option<Source>) -> u64 {
        match only {
            None => self.all(),
            Some(Source::Stdout) => self.stdout,
            Some(Source::Stderr) => self.stderr,
        }
    }
}

/// What a log tells.
enum Told {
    Part(Arc<Part>),
    End {
        status: Option<Status>,
        exit_code: Option<i32>,
    },
}

/// A reader of a log. Dropping it leaves the engine alone.
pub struct LogReader {
    service: Service,
    call: Call,
    subject: Subject,
    query: LogQuery,
    from: Origin,
    sieve: Sieve,
    _place: Place,
}

/// Whom a reader has the log from.
enum Origin {
    /// The one reading that all share who follow it.
    Shared(Joined),
    /// A reading of its own.
    Own(Box<Reading>),
    Over,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Reads a log as a stream, and with `follow` what is written until the container ends. `after` is what a
    /// reader has already: of another container's log nothing counts, and this one's is read from its beginning.
    /// Without it `tail` says where to begin. A worker is held until that is found out, and no longer.
    pub async fn stream_logs(
        &self,
        call: &Call,
        name: &ContainerRef,
        read: ReadLogs,
        follow: bool,
        after: Option<LogMark>,
    ) -> Result<LogReader> {
        call.may(Scope::ContainersRead)?;
        let place = self.0.streams.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.find(call, name).await?.id;
        let after = match (after, read.tail) {
            (Some(after), _) => after.known_of(&id),
            (None, Tail::Lines(lines)) if lines <= MOST_LINES => {
                let begin = self.find_tail(call, &id, &read, lines);
                let late = |_| EngineError::Timeout {
                    step: "reading the log".into(),
                    limit: call.limit,
                };
                timeout_at(call.deadline, begin).await.map_err(late)??
            }
            (None, _) => 0,
        };
        let query = LogQuery {
            follow,
            times: read.times,
            ..whole(&read)
        };
        let most = self.0.limits.log_bytes;
        let mut reader = LogReader {
            service: self.clone(),
            call: call.extended(FOLLOWING),
            subject: (id, read.since),
            query,
            from: Origin::Over,
            sieve: Sieve::new(read.only, read.matching, read.times, most, after),
            _place: place,
        };
        reader.begin();
        Ok(reader)
    }

    /// The place behind which so many lines are left.
    async fn find_tail(
        &self,
        call: &Call,
        id: &ContainerId,
        read: &ReadLogs,
        lines: u64,
    ) -> Result<u64> {
        let mut ends = Ends::new(usize::try_from(lines).unwrap_or(usize::MAX));
        let most = self.0.limits.log_bytes;
        let mut sieve = Sieve::new(read.only, read.matching.clone(), false, most, 0);
        let mut track = Track::default();
        let mut log = self.0.engine.logs(call, id, &whole(read)).await?;
        while let Some(piece) = log.next().await {
            let Some(part) = track.part(piece?, 0) else {
                continue;
            };
            if read.matching.is_none() {
                ends.take(part.end.all() - part.data.len() as u64, &part.data);
                continue;
            }
            sieve.push(&part);
            for step in sieve.ready.drain(..) {
                if let LogStep::Text { at, .. } = step {
                    ends.add(at);
                }
            }
        }
        Ok(ends.begin(track.seen.all()))
    }
}

/// All of the log that is wanted.
fn whole(read: &ReadLogs) -> LogQuery {
    LogQuery {
        since: read.since,
        until: read.until,
        only: read.only,
        ..LogQuery::default()
    }
}

impl LogReader {
    /// What a reader has that has come to a place.
    pub fn mark(&self, at: u64) -> LogMark {
        LogMark::new(&self.subject.0, at)
    }

    /// What comes next; nothing after the end or an error. Cancel safe.
    pub async fn next(&mut self) -> Result<LogStep> {
        let stopping = self.service.0.stopping.clone();
        loop {
            if let Some(step) = self.sieve.ready.pop_front() {
                return Ok(step);
            }
            let told = tokio::select! {
                told = self.told() => told?,
                () = stopping.cancelled() => return Err(Error::Stopping),
            };
            match told {
                Told::Part(part) => self.sieve.push(&part),
                Told::End { status, exit_code } => {
                    self.from = Origin::Over;
                    self.sieve.finish();
                    self.sieve.ready.push_back(LogStep::End {
                        status,
                        exit_code,
                        at: self.sieve.seen,
                    });
                }
            }
        }
    }

    /// With the others if it follows the log and they have what it needs, else for itself.
    fn begin(&mut self) {
        let (only, needs) = (self.query.only, self.sieve.needs());
        let joined = if self.query.follow {
            self.service
                .join_or_begin(&self.call, &self.subject, only, needs)
        } else {
            None
        };
        match joined {
            Some(joined) => self.join(joined),
            None => self.read_alone(),
        }
    }

    fn join(&mut self, joined: Joined) {
        self.sieve.jump();
        self.from = Origin::Shared(joined);
    }

    fn read_alone(&mut self) {
        let (service, call) = (self.service.clone(), self.call.clone());
        let reading = Reading::new(service, call, self.subject.0.clone(), self.query);
        self.from = Origin::Own(Box::new(reading));
    }

    async fn told(&mut self) -> Result<Told> {
        let only = self.query.only;
        loop {
            let needs = self.sieve.needs();
            match &mut self.from {
                Origin::Over => return Err(Error::Stopping),
                Origin::Shared(joined) => match joined.next(only, self.sieve.seen).await {
                    Some(told) => return Ok(told),
                    None => self.read_alone(),
                },
                Origin::Own(reading) if !self.query.follow => return reading.next().await,
                Origin::Own(reading) => {
                    if let Some(joined) = self.service.join(&self.subject, only, needs) {
                        self.join(joined);
                    } else if let Some(told) = alone(reading).await? {
                        return Ok(told);
                    } else if let Some(joined) =
                        self.service
                            .join_or_begin(&self.call, &self.subject, only, needs)
                    {
                        // It has all there is: who has not is served by a ring that begins anew.
                        self.join(joined);
                    }
                }
            }
        }
    }
}
