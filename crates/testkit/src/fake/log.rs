//! What a container's main process has written, as conmon's log keeps it.

use super::answer::frame;
use bytes::Bytes;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

/// A line, or the part of a line that one write gave.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// 1 for stdout, 2 for stderr.
    pub(super) stream: u8,
    text: Bytes,
    /// Whether the line goes on, so that no newline follows.
    partial: bool,
    pub(super) time: OffsetDateTime,
}

impl Line {
    /// The line as a frame of `GET logs`.
    pub(super) fn frame(&self, timestamps: bool, old: bool) -> Bytes {
        let mut data = Vec::with_capacity(self.text.len() + 1);
        if timestamps {
            let time = if old {
                self.time.replace_nanosecond(0).unwrap_or(self.time)
            } else {
                self.time
            };
            data.extend_from_slice(time.format(&Rfc3339).unwrap_or_default().as_bytes());
            data.push(b' ');
        }
        data.extend_from_slice(&self.text);
        if !self.partial {
            data.push(b'\n');
        }
        frame(self.stream, &data)
    }
}

/// A log. Followers watch its length.
#[derive(Debug)]
pub(super) struct Log {
    lines: Mutex<Vec<Line>>,
    length: watch::Sender<usize>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            lines: Mutex::default(),
            length: watch::Sender::new(0),
        }
    }

    /// Writes: every newline ends a line, the rest is a partial one.
    pub(super) fn write(&self, stream: u8, data: &[u8]) {
        let time = OffsetDateTime::now_utc();
        let mut lines = self.lock();
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            lines.push(Line {
                stream,
                text: Bytes::copy_from_slice(text),
                partial: text.len() == piece.len(),
                time,
            });
        }
        self.length.send_replace(lines.len());
    }

    /// All lines from one on.
    pub(super) fn from(&self, start: usize) -> Vec<Line> {
        self.lock().get(start..).unwrap_or_default().to_vec()
    }

    /// To be told of new lines.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    /// The last lines. 4.3 glues partial lines at the end to the line before them; 5.x counts a
    /// partial line only when it is the last, and keeps the parts of the first line it gives.
    pub(super) fn tail(&self, count: usize, old: bool) -> Vec<Line> {
        let lines = self.lock();
        if old {
            return glued_tail(&lines, count);
        }
        let mut seen = 0;
        let mut start = lines.len();
        for (at, line) in lines.iter().enumerate().rev() {
            seen += usize::from(!line.partial || at + 1 == lines.len());
            if seen > count {
                break;
            }
            start = at;
        }
        lines[start..].to_vec()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn glued_tail(lines: &[Line], count: usize) -> Vec<Line> {
    let mut tail = Vec::new();
    let mut partial = Vec::new();
    for line in lines.iter().rev() {
        if line.partial {
            partial.extend_from_slice(&line.text);
        } else {
            let mut line = line.clone();
            line.text = [&line.text[..], &partial].concat().into();
            partial.clear();
            tail.push(line);
        }
        if tail.len() == count {
            break;
        }
    }
    tail.reverse();
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(log: &Log, count: usize, old: bool) -> Vec<Bytes> {
        let lines = log.tail(count, old);
        lines.iter().map(|line| line.frame(false, old)).collect()
    }

    #[test]
    fn tails_are_those_of_the_recorded_versions() {
        let log = Log::new();
        log.write(1, b"out\nnonl");
        log.write(2, b"err\n");
        assert_eq!(tail(&log, 1, true), [frame(2, b"err\n")]);
        assert_eq!(
            tail(&log, 1, false),
            [frame(1, b"nonl"), frame(2, b"err\n")]
        );
        let log = Log::new();
        log.write(1, b"\nx\n");
        log.write(1, b"end");
        assert_eq!(tail(&log, 1, true), [frame(1, b"xend\n")]);
        assert_eq!(tail(&log, 1, false), [frame(1, b"end")]);
        assert_eq!(tail(&log, 9, false).len(), 3);
    }
}
