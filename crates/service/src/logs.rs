//! Logs: the end of what a container's main process has written.

use crate::text::{Decoder, log_time};
use crate::{Call, Result, Scope, Service};
use bytes::Bytes;
use futures_util::StreamExt;
use podlane_engine::{ContainerRef, Error as EngineError, LogPiece, LogQuery, Source};
use regex::bytes::{Regex, RegexBuilder};
use std::collections::VecDeque;
use std::time::SystemTime;

/// Bytes that a regular expression may take once it is compiled.
const PATTERN_BYTES: usize = 1 << 20;

/// How much of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// So many lines.
    Lines(u64),
    /// Everything that fits into one answer.
    All,
}

/// What of a log to read.
#[derive(Debug, Clone)]
pub struct ReadLogs {
    /// How much of the end of what the others leave.
    pub tail: Tail,
    /// Only what was written after this time.
    pub since: Option<SystemTime>,
    /// Only what was written before this time.
    pub until: Option<SystemTime>,
    /// Only what was written to this output.
    pub only: Option<Source>,
    /// Only lines that match.
    pub matching: Option<Matching>,
    /// Whether it is told when each line was begun.
    pub times: bool,
}

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
}

impl Matching {
    /// Whether a line matches, ended or not.
    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        self.0.is_match(line.strip_suffix(b"\n").unwrap_or(line))
    }
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The container's name.
    pub name: String,
    /// Its lines as text, in the order they were written.
    pub text: String,
    /// Whether wanted lines were left out because an answer has a size limit.
    pub truncated: bool,
}

impl Service {
    /// The last lines of a container's log, or of the part of it that is wanted.
    pub async fn container_logs(
        &self,
        call: &Call,
        name: &ContainerRef,
        read: &ReadLogs,
    ) -> Result<Logs> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let wanted = match read.tail {
            Tail::Lines(lines) => Some(lines),
            Tail::All => None,
        };
        let mut end = End::new(wanted, self.0.limits.log_bytes);
        let mut lines = Lines::new(read, self.0.limits.log_bytes);
        if wanted != Some(0) {
            let query = LogQuery {
                tail: wanted.filter(|_| read.matching.is_none()),
                since: read.since,
                until: read.until,
                only: read.only,
                follow: false,
                times: read.times,
            };
            let read = async {
                let mut pieces = self.0.engine.logs(call, &container.id, &query).await?;
                while let Some(piece) = pieces.next().await {
                    lines.push(piece?, &mut end);
                }
                Ok::<_, EngineError>(())
            };
            tokio::time::timeout_at(call.deadline, read)
                .await
                .map_err(|_| EngineError::Timeout {
                    step: "reading the log".into(),
                    limit: call.limit,
                })??;
        }
        lines.finish(&mut end);
        let truncated = end.truncated;
        Ok(Logs {
            name: container.name,
            text: end.into_text(),
            truncated,
        })
    }
}

/// Lets through the lines that match, each when it is whole, and with the time of its beginning if that is
/// wanted.
struct Lines<'a> {
    matching: Option<&'a Matching>,
    times: bool,
    max_bytes: usize,
    open: [Open; 2],
}

/// A line that has not ended.
#[derive(Default)]
struct Open {
    line: Vec<u8>,
    /// When it was begun; `None` for what goes on with a line that was too long.
    begun: Option<SystemTime>,
    /// Whether a part of it was let through already.
    cut: bool,
}

impl<'a> Lines<'a> {
    /// A line longer than `max_bytes` is taken for several.
    fn new(read: &'a ReadLogs, max_bytes: usize) -> Self {
        Self {
            matching: read.matching.as_ref(),
            times: read.times,
            max_bytes,
            open: Default::default(),
        }
    }

    fn push(&mut self, piece: LogPiece, end: &mut End) {
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
    fn finish(mut self, end: &mut End) {
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

/// The last lines of a stream, in bounded memory.
struct End {
    wanted: Option<u64>,
    max_bytes: usize,
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Line ends in `pieces`.
    lines: u64,
    truncated: bool,
}

/// At most one line, ended or not.
struct Piece {
    source: Source,
    data: Bytes,
}

impl Piece {
    fn ends_line(&self) -> bool {
        self.data.last() == Some(&b'\n')
    }
}

impl End {
    fn new(wanted: Option<u64>, max_bytes: usize) -> Self {
        Self {
            wanted,
            max_bytes,
            pieces: VecDeque::new(),
            bytes: 0,
            lines: 0,
            truncated: false,
        }
    }

    fn push(&mut self, source: Source, mut data: Bytes) {
        while !data.is_empty() {
            let length = data
                .iter()
                .position(|b| *b == b'\n')
                .map_or(data.len(), |at| at + 1);
            // A copy, so that a small piece does not keep a large network buffer alive.
            let piece = Piece {
                source,
                data: Bytes::copy_from_slice(&data.split_to(length)),
            };
            self.bytes += piece.data.len();
            self.lines += u64::from(piece.ends_line());
            self.pieces.push_back(piece);
            self.shrink();
        }
    }

    /// Drops from the front what is more than wanted or than fits.
    fn shrink(&mut self) {
        let open = self.pieces.back().is_some_and(|piece| !piece.ends_line());
        while self
            .wanted
            .is_some_and(|wanted| self.lines + u64::from(open) > wanted)
        {
            while self.pop().is_some_and(|piece| !piece.ends_line()) {}
        }
        while self.bytes > self.max_bytes {
            self.truncated = true;
            let excess = self.bytes - self.max_bytes;
            match self.pieces.front_mut() {
                Some(front) if front.data.len() > excess => {
                    front.data = front.data.slice(excess..);
                    self.bytes -= excess;
                }
                _ => drop(self.pop()),
            }
        }
    }

    fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.data.len();
        self.lines -= u64::from(piece.ends_line());
        Some(piece)
    }

    fn into_text(self) -> String {
        let mut text = String::with_capacity(self.bytes);
        let (mut stdout, mut stderr) = (Decoder::default(), Decoder::default());
        for piece in &self.pieces {
            match piece.source {
                Source::Stdout => stdout.push(&piece.data, &mut text),
                Source::Stderr => stderr.push(&piece.data, &mut text),
            }
        }
        stdout.finish(false, &mut text);
        stderr.finish(false, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn end(wanted: Option<u64>, max: usize, pieces: &[&str]) -> (String, bool) {
        let mut end = End::new(wanted, max);
        for piece in pieces {
            end.push(Source::Stdout, Bytes::copy_from_slice(piece.as_bytes()));
        }
        let truncated = end.truncated;
        (end.into_text(), truncated)
    }

    #[test]
    fn keeps_the_last_lines() {
        assert_eq!(
            end(Some(2), 100, &["a\nb\n", "c\n"]),
            ("b\nc\n".into(), false)
        );
        assert_eq!(end(Some(2), 100, &["a\nb\nc"]), ("b\nc".into(), false));
        assert_eq!(
            end(Some(1), 100, &["a\nlo", "ng ", "line\n"]),
            ("long line\n".into(), false)
        );
        assert_eq!(end(Some(9), 100, &["a\n"]), ("a\n".into(), false));
        assert_eq!(end(Some(u64::MAX), 100, &["a\n"]), ("a\n".into(), false));
        assert_eq!(end(None, 100, &["a\n\n", "b"]), ("a\n\nb".into(), false));
    }

    #[test]
    fn keeps_the_last_bytes_of_an_endless_line() {
        assert_eq!(end(None, 4, &["abc", "def", "gh"]), ("efgh".into(), true));
        assert_eq!(end(Some(1), 4, &["abcdefgh\n"]), ("fgh\n".into(), true));
    }

    fn wanted(pattern: Option<&str>, times: bool) -> ReadLogs {
        ReadLogs {
            tail: Tail::All,
            since: None,
            until: None,
            only: None,
            matching: pattern.map(|pattern| Matching::new(pattern).expect("a pattern")),
            times,
        }
    }

    fn piece(source: Source, second: u64, data: &'static str) -> LogPiece {
        LogPiece {
            source,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second)),
            data: Bytes::from_static(data.as_bytes()),
        }
    }

    #[test]
    fn lines_that_match_whatever_cuts_them() {
        let read = wanted(Some("^a.*z$"), false);
        let mut end = End::new(Some(3), 1000);
        let mut lines = Lines::new(&read, 1000);
        for (source, data) in [
            (Source::Stdout, "az\nb\na"),
            (Source::Stderr, "a err"),
            (Source::Stdout, " out z\na\nza\n"),
            (Source::Stderr, "or z\naz\nabc\n"),
            (Source::Stdout, "a \u{fc} z"),
        ] {
            lines.push(piece(source, 1, data), &mut end);
        }
        lines.finish(&mut end);
        assert_eq!(end.into_text(), "a error z\naz\na \u{fc} z");
    }

    #[test]
    fn a_line_has_the_time_of_its_first_part() {
        let told = |pattern, tail| {
            let read = wanted(pattern, true);
            let mut end = End::new(tail, 1000);
            let mut lines = Lines::new(&read, 1000);
            for (source, second, data) in [
                (Source::Stdout, 1, "so f"),
                (Source::Stderr, 2, "bad\n"),
                (Source::Stdout, 3, "ar\n\n"),
                (Source::Stderr, 4, "op"),
                (Source::Stderr, 5, "en"),
            ] {
                lines.push(piece(source, second, data), &mut end);
            }
            lines.finish(&mut end);
            end.into_text().replace("1970-01-01T00:00:0", "")
        };
        assert_eq!(told(None, None), "2Z bad\n1Z so far\n3Z \n4Z open");
        assert_eq!(told(None, Some(2)), "3Z \n4Z open");
        assert_eq!(told(Some("^.o|^o"), None), "1Z so far\n4Z open");
    }

    #[test]
    fn an_endless_line_is_matched_in_parts() {
        let read = wanted(Some("x"), true);
        let mut end = End::new(None, 8);
        let mut lines = Lines::new(&read, 8);
        for _ in 0..10_000 {
            lines.push(piece(Source::Stdout, 1, "abc"), &mut end);
            assert!(lines.open[0].line.len() < 8);
        }
        lines.push(piece(Source::Stdout, 1, "x"), &mut end);
        lines.finish(&mut end);
        assert!(end.into_text().ends_with('x'));
        let read = wanted(None, true);
        let mut end = End::new(None, 100);
        let mut lines = Lines::new(&read, 4);
        for data in ["abcd", "efgh", "ij\n", "k\n"] {
            lines.push(piece(Source::Stdout, 7, data), &mut end);
        }
        let expected = "1970-01-01T00:00:07Z abcdefghij\n1970-01-01T00:00:07Z k\n";
        assert_eq!(end.into_text(), expected);
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        assert_eq!(Matching::new("(").expect_err("open"), "unclosed group");
        let large = Matching::new(r"(\w{100}){100}").expect_err("large");
        assert_eq!(large, "it is too large");
    }
}
