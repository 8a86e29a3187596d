//! The log of a container, frame by frame. With times, each frame begins with one and a space.

use crate::frames::{Decoder, FrameError};
use bytes::{Buf, Bytes};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use podlane_engine::{Archive, Error, LogPiece, LogStream};
use std::time::SystemTime;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest time: with nanoseconds and an offset it has 35 bytes.
const LONGEST_TIME: usize = 64;

/// What in a log makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum Garbage {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("a line does not begin with its time")]
    Time,
}

/// Reads a log from the body of an answer.
pub(crate) fn read(step: &'static str, times: bool, body: Archive) -> LogStream {
    let garbled = move |error: Garbage| Error::Garbled {
        step: step.into(),
        reason: error.to_string(),
    };
    let state = (body, Pieces::new(times), Bytes::new());
    stream::try_unfold(
        state,
        move |(mut body, mut pieces, mut received)| async move {
            loop {
                if let Some(piece) = pieces.next(&mut received).map_err(garbled)? {
                    return Ok(Some((piece, (body, pieces, received))));
                }
                match body.try_next().await? {
                    Some(data) => received = data,
                    None => return pieces.finish().map_err(garbled).map(|()| None),
                }
            }
        },
    )
    .boxed()
}

/// Takes frames apart as they come, in memory for a time and no more.
#[derive(Debug)]
struct Pieces {
    frames: Decoder,
    times: bool,
    /// What has come of the time that the frame under way begins with.
    stamp: Vec<u8>,
    /// That time, once it is whole.
    time: Option<SystemTime>,
}

impl Pieces {
    fn new(times: bool) -> Self {
        Self {
            frames: Decoder::default(),
            times,
            stamp: Vec::new(),
            time: None,
        }
    }

    /// Takes the next piece off `received`; `None` when that is used up.
    fn next(&mut self, received: &mut Bytes) -> Result<Option<LogPiece>, Garbage> {
        while let Some((chunk, begins)) = self.frames.next_part(received)? {
            let mut data = chunk.data;
            if begins && self.times {
                if !self.stamp.is_empty() {
                    return Err(Garbage::Time);
                }
                self.time = None;
            }
            if self.times && self.time.is_none() {
                self.take_time(&mut data)?;
            }
            if !data.is_empty() {
                return Ok(Some(LogPiece {
                    source: chunk.source,
                    time: self.time,
                    data,
                }));
            }
        }
        Ok(None)
    }

    /// Takes the time off the front, or as much of it as is there.
    fn take_time(&mut self, data: &mut Bytes) -> Result<(), Garbage> {
        let space = data.iter().position(|byte| *byte == b' ');
        let end = space.unwrap_or(data.len());
        if self.stamp.len() + end > LONGEST_TIME {
            return Err(Garbage::Time);
        }
        self.stamp.extend_from_slice(&data[..end]);
        data.advance(end);
        if space.is_some() {
            data.advance(1);
            let text = std::mem::take(&mut self.stamp);
            let text = std::str::from_utf8(&text).map_err(|_| Garbage::Time)?;
            let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Garbage::Time)?;
            self.time = Some(time.into());
        }
        Ok(())
    }

    /// Whether the log may end here.
    fn finish(&self) -> Result<(), Garbage> {
        self.frames.finish()?;
        if self.stamp.is_empty() {
            Ok(())
        } else {
            Err(Garbage::Time)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_engine::Source;
    use proptest::prelude::*;
    use std::time::Duration;

    fn frame(stream: u8, data: &[u8]) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend_from_slice(&u32::try_from(data.len()).expect("small").to_be_bytes());
        frame.extend_from_slice(data);
        frame
    }

    /// What the pieces say: each byte with its output and its time, in seconds and nanoseconds.
    type Said = Vec<(Source, Option<(u64, u32)>, u8)>;

    fn decode(bytes: &[u8], times: bool, cut: usize) -> Result<Said, Garbage> {
        let mut pieces = Pieces::new(times);
        let mut said = Vec::new();
        for part in bytes.chunks(cut.max(1)) {
            let mut part = Bytes::copy_from_slice(part);
            while let Some(piece) = pieces.next(&mut part)? {
                assert!(!piece.data.is_empty() && pieces.stamp.len() <= LONGEST_TIME);
                let time = piece.time.map(|time| {
                    let since = time.duration_since(SystemTime::UNIX_EPOCH);
                    let since = since.unwrap_or(Duration::ZERO);
                    (since.as_secs(), since.subsec_nanos())
                });
                said.extend(piece.data.iter().map(|byte| (piece.source, time, *byte)));
            }
        }
        pieces.finish().map(|()| said)
    }

    #[test]
    fn each_frame_has_its_time_whatever_cuts_it() {
        let log = [
            frame(1, b"1970-01-01T00:00:07Z a b\n"),
            frame(2, b"1970-01-01T01:00:07.000000009+01:00 \xc3"),
            frame(2, b"1970-01-01T00:00:08Z "),
            frame(1, b"1970-01-01T00:00:09.5Z \n"),
        ]
        .concat();
        let (out, err) = (Source::Stdout, Source::Stderr);
        let seven = Some((7, 0));
        let mut expected: Said = b"a b\n".iter().map(|byte| (out, seven, *byte)).collect();
        expected.push((err, Some((7, 9)), 0xc3));
        expected.push((out, Some((9, 500_000_000)), b'\n'));
        for cut in 1..log.len() {
            assert_eq!(decode(&log, true, cut), Ok(expected.clone()), "{cut}");
        }
        let plain = decode(&log, false, 7).expect("no times");
        assert!(plain.len() > expected.len() && plain[0].2 == b'1');
    }

    #[test]
    fn a_line_without_its_time_is_garbled() {
        for data in [
            &b"no time\n"[..],
            b"2026-11-23T15:54:16Z",
            b"2026-11-23\n",
            &[b'1'; 1000],
            b" text\n",
            b"\xff\xff ",
        ] {
            for cut in [1, 10, 2000] {
                let error = decode(&[frame(1, data), frame(1, data)].concat(), true, cut);
                assert_eq!(error, Err(Garbage::Time), "{data:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(
            lines in prop::collection::vec((1u8..3, 0i64..4_000_000_000, "[ -~\n]{0,40}"), 0..8),
            cut in 1usize..80,
        ) {
            let mut log = Vec::new();
            let mut plain = Vec::new();
            for (stream, time, text) in lines {
                let time = OffsetDateTime::from_unix_timestamp(time).expect("a time");
                let stamp = time.format(&Rfc3339).expect("a form");
                log.extend(frame(stream, format!("{stamp} {text}").as_bytes()));
                plain.extend(frame(stream, text.as_bytes()));
            }
            let timed = decode(&log, true, cut).expect("a log");
            let without: Vec<_> = timed.iter().map(|(source, _, byte)| (*source, None, *byte)).collect();
            prop_assert_eq!(decode(&plain, false, cut), Ok(without));
        }
    }
}
