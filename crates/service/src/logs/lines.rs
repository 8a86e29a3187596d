//! Lines of a log: which are wanted, and when each was begun.

use super::ReadLogs;
use super::end::End;
use crate::text::log_time;
use podlane_engine::{LogPiece, Source};
use regex::bytes::{Regex, RegexBuilder};
use std::time::SystemTime;

/// Bytes that a regular expression may take once it is compiled.
const PATTERN_BYTES: usize = 1 << 20;

/// A regular expression that lines are matched with, in time linear in their length.
#[derive(Debug, Clone)]
pub struct Matching(Regex);

impl Matching {
    /// Understands one, or says what is wrong with it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
        match built {
            Ok(pattern) => Ok(Self(pattern)),
            Err(regex::Error::CompiledTooBig(_)) => Err("it is too large".into()),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                Err(reason.trim_start_matches("error: ").to_owned())
            }
        }
    }

    /// Whether a line matches, ended or not.
    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        self.0.is_match(line.strip_suffix(b"\n").unwrap_or(line))
    }
}

/// Lets through the lines that match, each when it is whole, and with the time of its beginning if that is
/// wanted.
pub(super) struct Lines<'a> {
    matching: Option<&'a Matching>,
    times: bool,
    max_bytes: usize,
    pub(super) open: [Open; 2],
}

/// A line that has not ended.
#[derive(Default)]
pub(super) struct Open {
    pub(super) line: Vec<u8>,
    /// When it was begun; `None` for what goes on with a line that was too long.
    begun: Option<SystemTime>,
    /// Whether a part of it was let through already.
    cut: bool,
}

impl<'a> Lines<'a> {
    /// A line longer than `max_bytes` is taken for several.
    pub(super) fn new(read: &'a ReadLogs, max_bytes: usize) -> Self {
        Self {
            matching: read.matching.as_ref(),
            times: read.times,
            max_bytes,
            open: Default::default(),
        }
    }

    pub(super) fn push(&mut self, piece: LogPiece, end: &mut End) {
        let LogPiece { source, time, data } = piece;
        if self.matching.is_none() && !self.times {
            return end.push(source, data);
        }
        for segment in data.split_inclusive(|byte| *byte == b'\n') {
            let open = &mut self.open[usize::from(source == Source::Stderr)];
            if open.line.is_empty() {
                open.begun = time.filter(|_| !open.cut);
            }
            open.line.extend_from_slice(segment);
            let whole = segment.ends_with(b"\n");
            if whole || open.line.len() >= self.max_bytes {
                self.let_through(source, end);
                self.open[usize::from(source == Source::Stderr)].cut = !whole;
            }
        }
    }

    fn let_through(&mut self, source: Source, end: &mut End) {
        let open = &mut self.open[usize::from(source == Source::Stderr)];
        let Open { line, begun, .. } = std::mem::take(open);
        if self.matching.is_none_or(|matching| matching.matches(&line)) {
            let time = begun.filter(|_| self.times);
            let mut text = time.map_or_else(Vec::new, |time| (log_time(time) + " ").into_bytes());
            text.extend_from_slice(&line);
            end.push(source, text.into());
        }
    }

    /// The lines that nothing has ended.
    pub(super) fn finish(mut self, end: &mut End) {
        for source in [Source::Stdout, Source::Stderr] {
            if !self.open[usize::from(source == Source::Stderr)]
                .line
                .is_empty()
            {
                self.let_through(source, end);
            }
        }
    }
}
