//! The last lines, in bounded memory.

use crate::text::Decoder;
use bytes::Bytes;
use podlane_engine::Source;
use std::collections::VecDeque;

/// The last lines of a stream, in bounded memory.
pub(super) struct End {
    wanted: Option<u64>,
    max_bytes: usize,
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Line ends in `pieces`.
    lines: u64,
    pub(super) truncated: bool,
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
    pub(super) fn new(wanted: Option<u64>, max_bytes: usize) -> Self {
        Self {
            wanted,
            max_bytes,
            pieces: VecDeque::new(),
            bytes: 0,
            lines: 0,
            truncated: false,
        }
    }

    pub(super) fn push(&mut self, source: Source, mut data: Bytes) {
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
            // What there is now are just the lines that are wanted, all of them whole.
            self.truncated = false;
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

    pub(super) fn into_text(self) -> String {
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
