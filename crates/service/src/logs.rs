//! Logs: the end of what a container's main process has written.

use crate::text::Decoder;
use crate::{Call, Result, Scope, Service};
use bytes::Bytes;
use futures_util::StreamExt;
use podlane_engine::{ContainerRef, Error as EngineError, LogQuery, Source};
use std::collections::VecDeque;

/// How much of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// So many lines.
    Lines(u64),
    /// Everything that fits into one answer.
    All,
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
    /// The last lines of a container's log.
    pub async fn container_logs(
        &self,
        call: &Call,
        name: &ContainerRef,
        tail: Tail,
    ) -> Result<Logs> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let wanted = match tail {
            Tail::Lines(lines) => Some(lines),
            Tail::All => None,
        };
        let mut end = End::new(wanted, self.0.limits.log_bytes);
        if wanted != Some(0) {
            let query = LogQuery { tail: wanted };
            let read = async {
                let mut chunks = self.0.engine.logs(call, &container.id, &query).await?;
                while let Some(chunk) = chunks.next().await {
                    let chunk = chunk?;
                    end.push(chunk.source, chunk.data);
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
        let truncated = end.truncated;
        Ok(Logs {
            name: container.name,
            text: end.into_text(),
            truncated,
        })
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
}
