//! Logs as a stream: what is there, and what comes until the container ends.
//!
//! Places in a log are counted in bytes of what the engine tells, both outputs together. They stay the same
//! whenever the log is read with the same since, until and output, so that a reader can go on behind one.

use crate::logs::{Matching, ReadLogs, Tail};
use crate::places::Place;
use crate::text::Texts;
use crate::{Call, Error, Result, Scope, Service};
use futures_util::StreamExt;
use podlane_engine::{
    Chunk, ContainerId, ContainerRef, Error as EngineError, LogQuery, LogStream, Source, Status,
};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use tokio::time::{sleep, timeout_at};

/// The time that a reader may follow; nobody means to have a longer one.
const FOLLOWING: Duration = Duration::from_secs(30 * 24 * 3600);
/// The pause before a log is read on whose container goes on although its stream has ended.
const AGAIN: Duration = Duration::from_millis(200);
/// Past so many lines from the end all are wanted.
const MOST_LINES: u64 = 1_000_000;

/// What a reader of a log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStep {
    /// A piece of it; with a pattern, a line.
    Text {
        /// The output that it was written to.
        source: Source,
        /// It.
        text: String,
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

/// A reader of a log. Dropping it leaves the engine alone.
pub struct LogReader {
    service: Service,
    call: Call,
    id: ContainerId,
    query: LogQuery,
    log: Option<LogStream>,
    /// How much of `log` has come.
    place: u64,
    sieve: Sieve,
    stage: Stage,
    _place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The log comes, and goes on as long as the container if the query says so.
    Reading,
    /// The container has ended; what it wrote last may be there.
    Rest,
    Over,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Reads a log as a stream, and with `follow` what is written until the container ends. `after` is the
    /// place that a reader has come to already; without it `tail` says where to begin. A worker is held
    /// until that is found out, and no longer.
    pub async fn stream_logs(
        &self,
        call: &Call,
        name: &ContainerRef,
        read: ReadLogs,
        follow: bool,
        after: Option<u64>,
    ) -> Result<LogReader> {
        call.may(Scope::ContainersRead)?;
        let place = self.0.streams.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.find(call, name).await?.id;
        let whole = LogQuery {
            tail: None,
            since: read.since,
            until: read.until,
            only: read.only,
            follow: false,
        };
        let after = match (after, read.tail) {
            (Some(after), _) => after,
            (None, Tail::Lines(lines)) if lines <= MOST_LINES => {
                let begin = self.find_tail(call, &id, &whole, read.matching.clone(), lines);
                let late = |_| EngineError::Timeout {
                    step: "reading the log".into(),
                    limit: call.limit,
                };
                timeout_at(call.deadline, begin).await.map_err(late)??
            }
            (None, _) => 0,
        };
        Ok(LogReader {
            service: self.clone(),
            call: call.extended(FOLLOWING),
            id,
            query: LogQuery { follow, ..whole },
            log: None,
            place: 0,
            sieve: Sieve::new(read.matching, self.0.limits.log_bytes, after),
            stage: Stage::Reading,
            _place: place,
        })
    }

    /// The place behind which so many lines are left.
    async fn find_tail(
        &self,
        call: &Call,
        id: &ContainerId,
        query: &LogQuery,
        matching: Option<Matching>,
        lines: u64,
    ) -> Result<u64> {
        let mut ends = Ends::new(usize::try_from(lines).unwrap_or(usize::MAX));
        let any = matching.is_none();
        let mut sieve = Sieve::new(matching, self.0.limits.log_bytes, 0);
        let mut log = self.0.engine.logs(call, id, query).await?;
        while let Some(chunk) = log.next().await {
            let chunk = chunk?;
            if any {
                ends.take(sieve.seen, &chunk.data);
                sieve.seen += chunk.data.len() as u64;
            } else {
                sieve.push(chunk.source, &chunk.data);
                for step in sieve.ready.drain(..) {
                    if let LogStep::Text { at, .. } = step {
                        ends.add(at);
                    }
                }
            }
        }
        Ok(ends.begin(sieve.seen))
    }
}

impl LogReader {
    /// What comes next; nothing after the end or an error. Cancel safe.
    pub async fn next(&mut self) -> Result<LogStep> {
        loop {
            if let Some(step) = self.sieve.ready.pop_front() {
                return Ok(step);
            }
            if self.stage == Stage::Over {
                return Err(Error::Stopping);
            }
            let stopping = self.service.0.stopping.clone();
            let chunk = tokio::select! {
                chunk = self.chunk() => chunk?,
                () = stopping.cancelled() => return Err(Error::Stopping),
            };
            match chunk {
                Some(chunk) => {
                    let known = self.sieve.seen.saturating_sub(self.place);
                    self.place += chunk.data.len() as u64;
                    let known = usize::try_from(known).unwrap_or(usize::MAX);
                    let new = chunk.data.get(known..).unwrap_or_default();
                    self.sieve.push(chunk.source, new);
                }
                None => self.ended().await?,
            }
        }
    }

    /// The next piece of the log. Of a log with nothing in it an engine may say nothing at all until
    /// something is.
    async fn chunk(&mut self) -> Result<Option<Chunk>> {
        let log = if let Some(log) = &mut self.log {
            log
        } else {
            let engine = &self.service.0.engine;
            let log = engine.logs(&self.call, &self.id, &self.query).await?;
            self.place = 0;
            self.log.insert(log)
        };
        Ok(log.next().await.transpose()?)
    }

    /// The engine has no more to tell for now.
    async fn ended(&mut self) -> Result<()> {
        self.log = None;
        let limit = self.service.0.limits.request_timeout;
        let call = self.call.extended(limit);
        let name = (&self.id).into();
        let found = self.service.0.engine.inspect(&call, &name).await;
        let (status, exit_code) = match found {
            Ok(container) => (Some(container.status), container.exit_code),
            Err(EngineError::NotFound { .. }) => (None, None),
            Err(error) => return Err(error.into()),
        };
        let live = status.is_some_and(Status::is_live);
        if self.query.follow && live {
            sleep(AGAIN).await;
        } else if self.query.follow && status.is_some() && self.stage == Stage::Reading {
            // What it wrote last may have come too late for the stream.
            (self.stage, self.query.follow) = (Stage::Rest, false);
        } else {
            self.stage = Stage::Over;
            self.sieve.finish();
            self.sieve.ready.push_back(LogStep::End {
                status,
                exit_code,
                at: self.sieve.seen,
            });
        }
        Ok(())
    }
}

/// Lets through what lies behind a place, and with a pattern only lines that match.
struct Sieve {
    matching: Option<Matching>,
    most: usize,
    after: u64,
    /// How much of the log has come.
    seen: u64,
    texts: Texts,
    /// Lines that have not ended yet, where there is a pattern.
    open: [Vec<u8>; 2],
    ready: VecDeque<LogStep>,
}

impl Sieve {
    /// A line longer than `most` is taken for several.
    fn new(matching: Option<Matching>, most: usize, after: u64) -> Self {
        Self {
            matching,
            most,
            after,
            seen: 0,
            texts: Texts::default(),
            open: [Vec::new(), Vec::new()],
            ready: VecDeque::new(),
        }
    }

    fn push(&mut self, source: Source, data: &[u8]) {
        if self.matching.is_some() {
            for part in data.split_inclusive(|byte| *byte == b'\n') {
                self.seen += part.len() as u64;
                let open = self.open_line(source);
                open.extend_from_slice(part);
                if part.ends_with(b"\n") || open.len() >= self.most {
                    self.end_line(source);
                }
            }
            return;
        }
        let known = usize::try_from(self.after.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        let (known, new) = data.split_at(known.min(data.len()));
        self.seen += data.len() as u64;
        // What the reader has already may end within a character.
        let _known = self.texts.push(source, known);
        let text = self.texts.push(source, new);
        self.tell(source, text);
    }

    fn open_line(&mut self, source: Source) -> &mut Vec<u8> {
        &mut self.open[usize::from(source == Source::Stderr)]
    }

    fn end_line(&mut self, source: Source) {
        let line = std::mem::take(self.open_line(source));
        let matches = self.matching.as_ref().is_some_and(|m| m.matches(&line));
        if matches && self.seen > self.after {
            self.tell(source, String::from_utf8_lossy(&line).into_owned());
        }
    }

    fn tell(&mut self, source: Source, text: String) {
        if !text.is_empty() {
            let at = self.seen;
            self.ready.push_back(LogStep::Text { source, text, at });
        }
    }

    /// What nothing has ended.
    fn finish(&mut self) {
        for source in [Source::Stdout, Source::Stderr] {
            if !self.open_line(source).is_empty() {
                self.end_line(source);
            }
            let text = self.texts.finish(source);
            self.tell(source, text);
        }
    }
}

/// Where the last lines end.
struct Ends {
    wanted: usize,
    last: VecDeque<u64>,
    /// Whether there is text behind the last of them.
    open: bool,
}

impl Ends {
    fn new(wanted: usize) -> Self {
        Self {
            wanted,
            last: VecDeque::new(),
            open: false,
        }
    }

    /// The lines of a piece that begins at a place.
    fn take(&mut self, mut place: u64, data: &[u8]) {
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            place += part.len() as u64;
            self.open = !part.ends_with(b"\n");
            if !self.open {
                self.add(place);
            }
        }
    }

    fn add(&mut self, end: u64) {
        self.last.push_back(end);
        if self.last.len() > self.wanted.saturating_add(1) {
            self.last.pop_front();
        }
    }

    /// The place before the wanted lines of a log of that length.
    fn begin(&self, length: u64) -> u64 {
        let before = self.wanted.saturating_sub(usize::from(self.open));
        if self.wanted == 0 {
            return length;
        }
        let at = self.last.len().checked_sub(before + 1);
        at.and_then(|at| self.last.get(at)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[(Source, &str)] = &[
        (Source::Stdout, "one\ntw"),
        (Source::Stderr, "bad\u{fc}"),
        (Source::Stdout, "o\n"),
        (Source::Stderr, " luck\nthree"),
    ];

    fn read(pattern: Option<&str>, after: u64, cut: usize) -> Vec<(String, u64)> {
        let matching = pattern.map(|pattern| Matching::new(pattern).expect("a pattern"));
        let mut sieve = Sieve::new(matching, 100, after);
        for (source, text) in LOG {
            for piece in text.as_bytes().chunks(cut) {
                sieve.push(*source, piece);
            }
        }
        sieve.finish();
        let steps = sieve.ready.into_iter().filter_map(|step| match step {
            LogStep::Text { text, at, .. } => Some((text, at)),
            LogStep::End { .. } => None,
        });
        steps.collect()
    }

    #[test]
    fn reading_on_behind_any_place_loses_and_repeats_nothing() {
        for cut in 1..9 {
            for pattern in [None, Some("."), Some("[od]")] {
                let whole = read(pattern, 0, cut);
                for (count, (_, at)) in whole.iter().enumerate() {
                    let rest = read(pattern, *at, cut);
                    if count + 1 < whole.len() && whole[count + 1].1 != *at {
                        assert_eq!(rest, whole[count + 1..], "{pattern:?} {cut} {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn lines_from_the_end() {
        let begin = |wanted, pieces: &[&str]| {
            let mut ends = Ends::new(wanted);
            let mut place = 0;
            for piece in pieces {
                ends.take(place, piece.as_bytes());
                place += piece.len() as u64;
            }
            ends.begin(place)
        };
        assert_eq!(begin(1, &["a\nb\n", "c\n"]), 4);
        assert_eq!(begin(2, &["a\nb\n", "c\n"]), 2);
        assert_eq!(begin(3, &["a\nb\n", "c\n"]), 0);
        assert_eq!(begin(9, &["a\nb\n", "c\n"]), 0);
        assert_eq!(begin(0, &["a\nb\n", "c"]), 5);
        assert_eq!(begin(1, &["a\nb\n", "c"]), 4);
        assert_eq!(begin(2, &["a\nb\n", "c"]), 2);
        assert_eq!(begin(1, &[]), 0);
    }
}
