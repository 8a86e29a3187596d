//! Where the last lines of a log end.

use std::collections::VecDeque;

/// Where the last lines end.
pub(super) struct Ends {
    wanted: usize,
    last: VecDeque<u64>,
    /// Whether there is text behind the last of them.
    open: bool,
}

impl Ends {
    pub(super) fn new(wanted: usize) -> Self {
        Self {
            wanted,
            last: VecDeque::new(),
            open: false,
        }
    }

    /// The lines of a piece that begins at a place.
    pub(super) fn take(&mut self, mut place: u64, data: &[u8]) {
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            place += part.len() as u64;
            self.open = !part.ends_with(b"\n");
            if !self.open {
                self.add(place);
            }
        }
    }

    pub(super) fn add(&mut self, end: u64) {
        self.last.push_back(end);
        if self.last.len() > self.wanted.saturating_add(1) {
            self.last.pop_front();
        }
    }

    /// The place before the wanted lines of a log of that length.
    pub(super) fn begin(&self, length: u64) -> u64 {
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
