//! Reads a background command's output from its ring, from any position, as far as it is kept.

use super::entry::{Entry, How, Progress};
use super::ring::{self, Extent, read_entry};
use crate::places::Place;
use crate::stream::Step;
use crate::text::Texts;
use crate::{Error, Result};
use bytes::Bytes;
use podlane_engine::Chunk;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// How much is read from disk at once.
const BATCH: usize = 256 * 1024;

/// Reads the output of one background command.
#[derive(Debug)]
pub struct OutputReader {
    entry: Arc<Entry>,
    progress: watch::Receiver<Progress>,
    cursor: Cursor,
    ready: VecDeque<Step>,
    texts: Option<Texts>,
    follow: bool,
    over: bool,
    _place: Option<Place>,
}

/// Where a reader is.
#[derive(Debug, Default)]
struct Cursor {
    /// All output before this has been read, or is lost.
    at: u64,
    file: Option<(u64, BufReader<File>)>,
    /// How far into that file.
    offset: u64,
}

impl OutputReader {
    /// A reader from position `from` on. With `follow` it waits for what is yet to come and ends with
    /// the command; without, it ends where the output ends now.
    pub(super) async fn open(
        entry: Arc<Entry>,
        from: u64,
        follow: bool,
        place: Option<Place>,
    ) -> Result<Self> {
        let progress = entry.progress.subscribe();
        let extent = progress.borrow().extent.clone();
        // A position after all output is that of an event which came after it: nothing is left of that.
        let beyond = from > extent.total;
        let from = from.min(extent.total);
        let directory = entry.directory.clone();
        let found = blocking(move || locate(&directory, &extent, from)).await?;
        let (cursor, texts) = found.unwrap_or_else(|_gone| {
            let cursor = Cursor {
                at: from,
                ..Cursor::default()
            };
            (cursor, Texts::default())
        });
        Ok(Self {
            entry,
            progress,
            cursor,
            ready: VecDeque::new(),
            texts: (!beyond).then_some(texts),
            follow,
            over: false,
            _place: place,
        })
    }

    /// Decoders that know how the output before the first step ended; once.
    pub fn take_texts(&mut self) -> Texts {
        self.texts.take().unwrap_or_default()
    }

    /// The position that has been read.
    pub fn at(&self) -> u64 {
        self.cursor.at
    }

    /// The command that is read.
    pub fn exec(&self) -> super::Background {
        self.entry.snapshot()
    }

    /// What comes next; `None` at the end of what is there, if it does not follow. A command that was
    /// lost ends in an error.
    pub async fn next(&mut self) -> Result<Option<Step>> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.over {
                return Ok(None);
            }
            let progress = self.progress.borrow_and_update().clone();
            if self.cursor.at < progress.extent.total {
                if !self.read(&progress).await? {
                    // The file made room, and the news of that is on its way.
                    let _ = self.progress.changed().await;
                }
                continue;
            }
            match progress.end.map(|end| end.how) {
                Some(how) => {
                    self.over = true;
                    return match how {
                        How::Exited(ended) => Ok(Some(Step::Ended(ended))),
                        How::Lost(reason) => Err(Error::Lost { reason }),
                    };
                }
                None if self.follow => {
                    let _ = self.progress.changed().await;
                }
                None => self.over = true,
            }
        }
    }

    /// Reads some of what is there; whether it could.
    async fn read(&mut self, progress: &Progress) -> Result<bool> {
        let (directory, extent) = (self.entry.directory.clone(), progress.extent.clone());
        let mut cursor = std::mem::take(&mut self.cursor);
        let at = cursor.at;
        let read = blocking(move || {
            let mut steps = VecDeque::new();
            let read = cursor.read(&directory, &extent, &mut steps);
            (read, cursor, steps)
        });
        // Should this be given up, reading begins anew at the same position.
        self.cursor.at = at;
        let (read, cursor, steps) = read.await?;
        self.cursor = cursor;
        self.ready = steps;
        match read {
            Ok(()) => Ok(true),
            Err(_) if progress.end.is_some() => {
                let (at, total) = (self.cursor.at, progress.extent.total);
                self.cursor.at = total;
                let bytes = total - at;
                self.ready.push_back(Step::Lost { bytes, at: total });
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::Internal {
                step: "reading the output of a background command",
                reason: error.to_string(),
            }),
        }
    }
}

impl Cursor {
    /// Reads on, up to a batch.
    fn read(
        &mut self,
        directory: &Path,
        extent: &Extent,
        steps: &mut VecDeque<Step>,
    ) -> io::Result<()> {
        let mut size = 0;
        let mut data = Vec::new();
        if let Some((_, file)) = &mut self.file {
            // What was read ahead may have been in the middle of being written.
            file.seek(SeekFrom::Start(self.offset))?;
        }
        while size < BATCH && self.at < extent.total {
            let number = self.file.as_ref().map(|(number, _)| *number);
            let segment = |number| extent.segments.iter().find(|s| s.number == number);
            let end = match number {
                // A file that has made room is whole.
                Some(number) => segment(number).map_or(u64::MAX, |segment| segment.length),
                None => 0,
            };
            let entry = match &mut self.file {
                Some((_, file)) if self.offset < end => read_entry(file, &mut data),
                _ => None,
            };
            let Some(entry) = entry else {
                let newer = |s: &&ring::Segment| number.is_none_or(|number| s.number > number);
                let Some(next) = extent.segments.iter().find(newer) else {
                    self.skip(extent.total, steps);
                    return Ok(());
                };
                let file = File::open(ring::path(directory, next.number))?;
                self.file = Some((next.number, BufReader::with_capacity(ring::PIECE, file)));
                self.offset = 0;
                continue;
            };
            self.offset += (ring::HEADER + entry.length) as u64;
            if entry.end() <= self.at {
                continue;
            }
            self.skip(entry.from, steps);
            let known = usize::try_from(self.at - entry.from).unwrap_or(entry.length);
            self.at = entry.end();
            size += entry.length;
            steps.push_back(Step::Output {
                chunk: Chunk {
                    source: entry.source,
                    data: Bytes::copy_from_slice(&data[known..]),
                },
                at: self.at,
            });
        }
        Ok(())
    }

    /// What lies before `to` is lost.
    fn skip(&mut self, to: u64, steps: &mut VecDeque<Step>) {
        if to > self.at {
            let bytes = to - self.at;
            self.at = to;
            steps.push_back(Step::Lost { bytes, at: to });
        }
    }
}

/// The place of a position, and how the text before it ended: its last characters may not be whole.
fn locate(directory: &Path, extent: &Extent, at: u64) -> io::Result<(Cursor, Texts)> {
    let mut cursor = Cursor {
        at,
        ..Cursor::default()
    };
    let mut texts = Texts::default();
    let mut data = Vec::new();
    for segment in &extent.segments {
        if segment.from > at {
            break;
        }
        let mut file = BufReader::new(File::open(ring::path(directory, segment.number))?);
        let mut offset = 0;
        while offset < segment.length {
            let Some(entry) = read_entry(&mut file, &mut data) else {
                break;
            };
            let before = usize::try_from(at.saturating_sub(entry.from)).unwrap_or(usize::MAX);
            let before = &data[..before.min(entry.length)];
            // No character is longer than four bytes.
            texts.push(entry.source, &before[before.len().saturating_sub(3)..]);
            if entry.end() > at {
                break;
            }
            offset += (ring::HEADER + entry.length) as u64;
        }
        file.seek(SeekFrom::Start(offset))?;
        cursor.file = Some((segment.number, file));
        cursor.offset = offset;
    }
    Ok((cursor, texts))
}

/// Runs what waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        Err(_) => Err(Error::Stopping),
    }
}

#[cfg(test)]
mod tests;
