//! What of a log is wanted, as text.

use super::LogStep;
use super::reading::{Part, index};
use crate::logs::Matching;
use crate::text::Texts;
use podlane_engine::Source;
use std::collections::VecDeque;
use std::time::SystemTime;

/// Lets through what lies behind a place, and with a pattern only lines that match.
pub(super) struct Sieve {
    pub(super) only: Option<Source>,
    matching: Option<Matching>,
    /// Whether it is told when each line was begun.
    times: bool,
    most: usize,
    after: u64,
    /// How much of the log has come.
    pub(super) seen: u64,
    texts: Texts,
    /// Whether something has come, of each output.
    begun: [bool; 2],
    /// Lines that have not ended yet, where there is a pattern, and when they were begun.
    open: [(Vec<u8>, Option<SystemTime>); 2],
    pub(super) ready: VecDeque<LogStep>,
}

impl Sieve {
    /// A line longer than `most` is taken for several.
    pub(super) fn new(
        only: Option<Source>,
        matching: Option<Matching>,
        times: bool,
        most: usize,
        after: u64,
    ) -> Self {
        Self {
            only,
            matching,
            times,
            most,
            after,
            seen: 0,
            texts: Texts::default(),
            begun: [false; 2],
            open: Default::default(),
            ready: VecDeque::new(),
        }
    }

    /// The place from which it has to be told: for a line that matches also what the reader has already.
    pub(super) fn needs(&self) -> u64 {
        if self.matching.is_some() {
            self.seen
        } else {
            self.seen.max(self.after)
        }
    }

    /// Goes on where it needs to, without what comes before.
    pub(super) fn jump(&mut self) {
        let place = self.needs();
        if place > self.seen {
            self.seen = place;
            self.texts = Texts::default();
            self.begun = [false; 2];
        }
    }

    /// Takes what is new in a part.
    pub(super) fn push(&mut self, part: &Part) {
        let end = part.end.of(self.only);
        if self.only.is_some_and(|only| only != part.source) || end <= self.seen {
            return;
        }
        let new = usize::try_from(end - self.seen).unwrap_or(usize::MAX);
        let known = part.data.len().saturating_sub(new);
        self.seen = end - (part.data.len() - known) as u64;
        let (known, new) = part.data.split_at(known);
        if !std::mem::replace(&mut self.begun[index(part.source)], true) {
            // A character may have begun before.
            let _known = self.texts.push(part.source, &part.lead);
            let _known = self.texts.push(part.source, known);
        }
        let mut line = if known.contains(&b'\n') {
            part.time
        } else {
            part.begun.or(part.time)
        };
        if self.matching.is_none() && !self.times {
            return self.piece(part.source, new, None);
        }
        for segment in new.split_inclusive(|byte| *byte == b'\n') {
            if self.matching.is_some() {
                self.line(part.source, segment, line);
            } else {
                self.piece(part.source, segment, line);
            }
            line = part.time;
        }
    }

    /// A piece of the log: what of it is new to the reader is told.
    fn piece(&mut self, source: Source, data: &[u8], time: Option<SystemTime>) {
        let known = usize::try_from(self.after.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        let (known, new) = data.split_at(known.min(data.len()));
        self.seen += data.len() as u64;
        // What the reader has already may end within a character.
        let _known = self.texts.push(source, known);
        let text = self.texts.push(source, new);
        self.tell(source, text, time);
    }

    /// A piece of a line, which is told when it is whole.
    fn line(&mut self, source: Source, data: &[u8], time: Option<SystemTime>) {
        self.seen += data.len() as u64;
        let (open, begun) = &mut self.open[index(source)];
        if open.is_empty() {
            *begun = time;
        }
        open.extend_from_slice(data);
        if data.ends_with(b"\n") || open.len() >= self.most {
            self.end_line(source);
        }
    }

    fn end_line(&mut self, source: Source) {
        let (line, begun) = std::mem::take(&mut self.open[index(source)]);
        let matches = self.matching.as_ref().is_some_and(|m| m.matches(&line));
        if matches && self.seen > self.after {
            let text = String::from_utf8_lossy(&line).into_owned();
            self.tell(source, text, begun.filter(|_| self.times));
        }
    }

    fn tell(&mut self, source: Source, text: String, time: Option<SystemTime>) {
        if !text.is_empty() {
            let at = self.seen;
            self.ready.push_back(LogStep::Text {
                source,
                text,
                time,
                at,
            });
        }
    }

    /// What nothing has ended.
    pub(super) fn finish(&mut self) {
        for source in [Source::Stdout, Source::Stderr] {
            if !self.open[index(source)].0.is_empty() {
                self.end_line(source);
            }
            let text = self.texts.finish(source);
            self.tell(source, text, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Track;
    use super::*;
    use bytes::Bytes;
    use podlane_engine::LogPiece;
    use std::time::Duration;

    const LOG: &[(Source, &str)] = &[
        (Source::Stdout, "one\ntw"),
        (Source::Stderr, "bad\u{fc}"),
        (Source::Stdout, "o\n"),
        (Source::Stderr, " luck\nthree"),
    ];

    fn parts(cut: usize) -> Vec<Part> {
        let mut track = Track::default();
        let mut parts = Vec::new();
        for (count, (source, text)) in (1_u64..).zip(LOG) {
            for data in text.as_bytes().chunks(cut) {
                let piece = LogPiece {
                    source: *source,
                    time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(count)),
                    data: Bytes::copy_from_slice(data),
                };
                parts.extend(track.part(piece, 0));
            }
        }
        parts
    }

    type Told = Vec<(String, Option<u64>, u64)>;

    fn told(sieve: Sieve) -> Told {
        let steps = sieve.ready.into_iter().filter_map(|step| match step {
            LogStep::Text { text, at, time, .. } => {
                let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
                Some((text, since.map(|since| since.as_secs()), at))
            }
            LogStep::End { .. } => None,
        });
        steps.collect()
    }

    fn sieve(only: Option<Source>, pattern: Option<&str>, times: bool, after: u64) -> Sieve {
        let matching = pattern.map(|pattern| Matching::new(pattern).expect("a pattern"));
        Sieve::new(only, matching, times, 100, after)
    }

    fn read(pattern: Option<&str>, times: bool, after: u64, cut: usize) -> Told {
        let mut sieve = sieve(None, pattern, times, after);
        for part in parts(cut) {
            sieve.push(&part);
        }
        sieve.finish();
        told(sieve)
    }

    #[test]
    fn reading_on_behind_any_place_loses_and_repeats_nothing() {
        for (cut, times) in (1..9).flat_map(|cut| [(cut, false), (cut, true)]) {
            for pattern in [None, Some("."), Some("[od]")] {
                let whole = read(pattern, times, 0, cut);
                for (count, (_, _, at)) in whole.iter().enumerate() {
                    let rest = read(pattern, times, *at, cut);
                    if count + 1 < whole.len() && whole[count + 1].2 != *at {
                        assert_eq!(rest, whole[count + 1..], "{pattern:?} {cut} {at}");
                    }
                }
            }
        }
    }

    /// As one does that comes to the others with a place of its own.
    #[test]
    fn joining_at_any_place_loses_and_repeats_nothing() {
        for (cut, times) in (1..9).flat_map(|cut| [(cut, false), (cut, true)]) {
            for only in [None, Some(Source::Stdout), Some(Source::Stderr)] {
                let whole = |after| {
                    let mut sieve = sieve(only, None, times, after);
                    for part in parts(cut) {
                        sieve.push(&part);
                    }
                    sieve
                };
                let length = whole(0).seen;
                for place in 0..=length {
                    let expected = told(whole(place));
                    let mut late = sieve(only, None, times, place);
                    late.jump();
                    for part in parts(9).iter().filter(|part| part.end.of(only) > place) {
                        late.push(part);
                    }
                    assert_eq!(late.seen, length);
                    let text = |told: &Told| told.iter().map(|step| step.0.as_str()).collect();
                    let (late, expected): (String, String) = (text(&told(late)), text(&expected));
                    assert_eq!(late, expected, "{only:?} {place} {cut}");
                }
            }
        }
    }

    #[test]
    fn each_line_has_the_time_of_its_beginning() {
        let step = |text: &str, time, at| (text.to_owned(), Some(time), at);
        assert_eq!(
            read(None, true, 0, 99),
            [
                step("one\n", 1, 4),
                step("tw", 1, 6),
                step("bad\u{fc}", 2, 11),
                step("o\n", 1, 13),
                step(" luck\n", 2, 19),
                step("three", 4, 24),
            ]
        );
        for cut in 1..9 {
            assert_eq!(
                read(Some("."), true, 0, cut),
                [
                    step("one\n", 1, 4),
                    step("two\n", 1, 13),
                    step("bad\u{fc} luck\n", 2, 19),
                    step("three", 4, 24),
                ]
            );
        }
        assert!(read(None, false, 0, 99).iter().all(|step| step.1.is_none()));
    }
}
