//! A log read from its beginning, and as long as its container goes on.

use super::{Progress, Told};
use crate::{Call, Result, Service};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use podlane_engine::{
    Container, ContainerId, ContainerRef, Error as EngineError, LogPiece, LogQuery, LogStream,
    Source, Status,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Sleep, sleep};

/// The pause before a log is read on whose container goes on although its stream has ended.
const AGAIN: Duration = Duration::from_millis(200);

/// A piece of a log that knows where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) data: Bytes,
    /// When it was written.
    pub(super) time: Option<SystemTime>,
    /// When the line was begun that goes on with it; `None` if it begins one.
    pub(super) begun: Option<SystemTime>,
    /// The first bytes of a character that goes on with it.
    pub(super) lead: Bytes,
    /// Where it ends.
    pub(super) end: Progress,
}

/// What has come of a log.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) seen: Progress,
    /// Of each output: when the line was begun that has not ended, and the character that is not whole.
    open: [(Option<SystemTime>, Bytes); 2],
}

impl Track {
    /// What the log goes on with; its first `known` bytes have come already.
    pub(super) fn part(&mut self, piece: LogPiece, known: usize) -> Option<Part> {
        let LogPiece { source, time, data } = piece;
        let data = data.slice(known.min(data.len())..);
        if data.is_empty() {
            return None;
        }
        self.seen.add(source, data.len() as u64);
        let (begun, lead) = &mut self.open[index(source)];
        let part = Part {
            source,
            time,
            begun: *begun,
            lead: lead.clone(),
            end: self.seen,
            data,
        };
        *begun = match part.data.iter().rposition(|byte| *byte == b'\n') {
            None => begun.or(time),
            Some(at) if at + 1 == part.data.len() => None,
            Some(_) => time,
        };
        *lead = open_character(lead, &part.data);
        Some(part)
    }
}

pub(super) fn index(source: Source) -> usize {
    usize::from(source == Source::Stderr)
}

/// The bytes of a character that is not whole at the end of `data`, which came behind `lead`.
fn open_character(lead: &Bytes, data: &[u8]) -> Bytes {
    // A character has at most four bytes.
    let mut end = Vec::with_capacity(7);
    end.extend_from_slice(lead);
    if data.len() >= 4 {
        end.clear();
    }
    end.extend_from_slice(&data[data.len().saturating_sub(4)..]);
    let begin = end.iter().rposition(|byte| *byte & 0xC0 != 0x80);
    let rest = begin.map_or(&[][..], |at| &end[at..]);
    match std::str::from_utf8(rest) {
        Err(error) if error.error_len().is_none() => Bytes::copy_from_slice(rest),
        _ => Bytes::new(),
    }
}

/// A log as one reader has the engine tell it. Dropping it leaves the engine alone.
pub(super) struct Reading {
    service: Service,
    call: Call,
    id: ContainerId,
    query: LogQuery,
    /// How much of the log has come since it was opened, in bytes.
    place: u64,
    track: Track,
    /// Whether the container has ended, so that there is only the rest to read.
    rest: bool,
    state: State,
}

/// What is waited for. Futures are kept, so that a wait that is given up can be taken up again.
enum State {
    /// Of a log with nothing in it an engine may say nothing at all until something is.
    Opening(BoxFuture<'static, Result<LogStream, EngineError>>),
    Open(LogStream),
    /// The engine has no more to tell for now: what has become of the container?
    Looking(BoxFuture<'static, Result<Container, EngineError>>),
    Pausing(Pin<Box<Sleep>>),
}

impl Reading {
    pub(super) fn new(service: Service, call: Call, id: ContainerId, query: LogQuery) -> Self {
        let state = open(&service, &call, &id, query);
        Self {
            service,
            call,
            id,
            query,
            place: 0,
            track: Track::default(),
            rest: false,
            state,
        }
    }

    /// What comes next; nothing is asked for behind the end. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Told> {
        loop {
            match &mut self.state {
                State::Opening(opening) => {
                    let log = opening.await;
                    self.place = 0;
                    self.state = State::Open(log?);
                }
                State::Open(log) => match log.next().await.transpose()? {
                    Some(piece) => {
                        let known = self.track.seen.all().saturating_sub(self.place);
                        self.place += piece.data.len() as u64;
                        let known = usize::try_from(known).unwrap_or(usize::MAX);
                        if let Some(part) = self.track.part(piece, known) {
                            return Ok(Told::Part(Arc::new(part)));
                        }
                    }
                    None => self.state = self.look(),
                },
                State::Looking(found) => {
                    let (status, exit_code) = match found.await {
                        Ok(container) => (Some(container.status), container.exit_code),
                        Err(EngineError::NotFound { .. }) => (None, None),
                        Err(error) => return Err(error.into()),
                    };
                    if self.query.follow && status.is_some_and(Status::is_live) {
                        self.state = State::Pausing(Box::pin(sleep(AGAIN)));
                    } else if self.query.follow && status.is_some() && !self.rest {
                        // What it wrote last may have come too late for the stream.
                        (self.rest, self.query.follow) = (true, false);
                        self.state = open(&self.service, &self.call, &self.id, self.query);
                    } else {
                        return Ok(Told::End { status, exit_code });
                    }
                }
                State::Pausing(pause) => {
                    pause.await;
                    self.state = open(&self.service, &self.call, &self.id, self.query);
                }
            }
        }
    }

    fn look(&self) -> State {
        let call = self.call.extended(self.service.0.limits.request_timeout);
        let engine = Arc::clone(&self.service.0.engine);
        let name = ContainerRef::from(&self.id);
        State::Looking(Box::pin(async move { engine.inspect(&call, &name).await }))
    }
}

fn open(service: &Service, call: &Call, id: &ContainerId, query: LogQuery) -> State {
    let (engine, call, id) = (Arc::clone(&service.0.engine), call.clone(), id.clone());
    State::Opening(Box::pin(
        async move { engine.logs(&call, &id, &query).await },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(count)
    }

    fn piece(source: Source, time: u64, data: &'static [u8]) -> LogPiece {
        LogPiece {
            source,
            time: Some(seconds(time)),
            data: Bytes::from_static(data),
        }
    }

    #[test]
    fn lines_and_characters_go_on_each_in_its_output() {
        let (out, err) = (Source::Stdout, Source::Stderr);
        let mut track = Track::default();
        let mut told = Vec::new();
        for (source, time, data) in [
            (out, 1, &b"a\nb"[..]),
            (err, 2, b"\xe2"),
            (out, 3, b"c"),
            (err, 4, b"\x82"),
            (out, 5, b"\nd\n"),
            (err, 6, b"\xac\n\xff"),
            (out, 7, b"e"),
        ] {
            let part = track.part(piece(source, time, data), 0).expect("new");
            told.push((part.begun, part.lead.to_vec(), part.end.all()));
        }
        let expected = [
            (None, &b""[..], 3),
            (None, b"", 4),
            (Some(1), b"", 5),
            (Some(2), b"\xe2", 6),
            (Some(1), b"", 9),
            (Some(2), b"\xe2\x82", 12),
            (None, b"", 13),
        ];
        for ((begun, lead, end), told) in expected.into_iter().zip(told) {
            assert_eq!((begun.map(seconds), lead.to_vec(), end), told);
        }
    }

    #[test]
    fn what_is_known_is_left_out() {
        let mut track = Track::default();
        assert_eq!(track.part(piece(Source::Stdout, 1, b"abc"), 3), None);
        let part = track.part(piece(Source::Stdout, 1, b"abc"), 2).expect("c");
        assert_eq!((&part.data[..], part.end.all()), (&b"c"[..], 1));
    }
}
