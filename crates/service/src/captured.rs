//! The output of a process, kept up to a bound.

use crate::text::Decoder;
use podlane_engine::{Chunk, Source};

/// The output of a process, in the order in which it was written, up to a bound.
///
/// Kept in one piece: a chunk is a slice of the buffer it was received in, and a million small ones
/// would hold a million buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    data: Vec<u8>,
    /// Whose the bytes are: where each run of bytes of one source ends.
    runs: Vec<(Source, usize)>,
    max_bytes: usize,
    /// Whether the process wrote more than is kept.
    pub truncated: bool,
}

impl Captured {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            data: Vec::new(),
            runs: Vec::new(),
            max_bytes,
            truncated: false,
        }
    }

    pub(crate) fn push(&mut self, chunk: &Chunk) {
        let room = self.max_bytes - self.data.len();
        self.truncated |= chunk.data.len() > room;
        let kept = &chunk.data[..chunk.data.len().min(room)];
        if kept.is_empty() {
            return;
        }
        self.data.extend_from_slice(kept);
        match self.runs.last_mut() {
            Some((source, end)) if *source == chunk.source => *end = self.data.len(),
            _ => self.runs.push((chunk.source, self.data.len())),
        }
    }

    fn of(&self, source: Option<Source>) -> impl Iterator<Item = (Source, &[u8])> {
        let starts = std::iter::once(0).chain(self.runs.iter().map(|(_, end)| *end));
        self.runs
            .iter()
            .zip(starts)
            .map(|((source, end), start)| (*source, &self.data[start..*end]))
            .filter(move |(run, _)| source.is_none_or(|source| source == *run))
    }

    /// What was written to `source`, or to both for `None`, as it is.
    pub fn bytes(&self, source: Option<Source>) -> Vec<u8> {
        self.of(source)
            .flat_map(|(_, data)| data.iter().copied())
            .collect()
    }

    /// The same as text: what is not UTF-8 is U+FFFD, and a character that the bound cut is left out.
    pub fn text(&self, source: Option<Source>) -> String {
        let (mut stdout, mut stderr) = (Decoder::default(), Decoder::default());
        let mut text = String::new();
        for (source, data) in self.of(source) {
            match source {
                Source::Stdout => stdout.push(data, &mut text),
                Source::Stderr => stderr.push(data, &mut text),
            }
        }
        stdout.finish(self.truncated, &mut text);
        stderr.finish(self.truncated, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(source: Source, data: &'static [u8]) -> Chunk {
        Chunk {
            source,
            data: data.into(),
        }
    }

    #[test]
    fn keeps_what_fits_and_cuts_no_character() {
        let mut captured = Captured::new(6);
        captured.push(&chunk(Source::Stdout, b"ab"));
        captured.push(&chunk(Source::Stderr, b"c"));
        captured.push(&chunk(Source::Stdout, "d€uro".as_bytes()));
        captured.push(&chunk(Source::Stdout, b"more"));
        assert!(captured.truncated);
        assert_eq!(captured.text(None), "abcd");
        assert_eq!(captured.text(Some(Source::Stdout)), "abd");
        assert_eq!(captured.text(Some(Source::Stderr)), "c");
        assert_eq!(captured.bytes(None).len(), 6);
    }

    #[test]
    fn interleaved_streams_do_not_mix_their_characters() {
        let mut captured = Captured::new(100);
        captured.push(&chunk(Source::Stdout, &"€".as_bytes()[..1]));
        captured.push(&chunk(Source::Stderr, b"x"));
        captured.push(&chunk(Source::Stdout, &"€".as_bytes()[1..]));
        assert_eq!(captured.text(None), "x€");
    }
}
