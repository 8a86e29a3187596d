//! Reads a background command's output from its ring, from any position, as far as it is kept.

use super::cursor::{Cursor, locate};
use super::entry::{Entry, How, Progress};
use crate::places::Place;
use crate::stream::Step;
use crate::text::Texts;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::sync::watch;

/// Reads the output of one background command.
#[derive(Debug)]
pub struct OutputReader {
    entry: Arc<Entry>,
    progress: watch::Receiver<Progress>,
    cursor: Cursor,
    ready: VecDeque<Step>,
    texts: Option<Texts>,
    follow: bool,
    /// What is left of characters whose beginning is lost is lost too.
    whole_characters: bool,
    over: bool,
    _place: Option<Place>,
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
            whole_characters: false,
            over: false,
            _place: place,
        })
    }

    /// For a reader of text: after a loss it begins with a whole character.
    pub fn want_whole_characters(&mut self) {
        self.whole_characters = true;
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
        let (at, cut, whole) = (cursor.at, cursor.cut, self.whole_characters);
        let read = blocking(move || {
            let mut steps = VecDeque::new();
            let read = cursor.read(&directory, &extent, whole, &mut steps);
            (read, cursor, steps)
        });
        // Should this be given up, reading begins anew at the same position.
        (self.cursor.at, self.cursor.cut) = (at, cut);
        let (read, cursor, steps) = read.await?;
        self.cursor = cursor;
        self.ready = steps;
        match read {
            Ok(()) => Ok(true),
            Err(_) if progress.end.is_some() => {
                let (at, total) = (self.cursor.at, progress.extent.total);
                self.cursor.at = total;
                let bytes = total - at;
                self.ready.push_back(Step::Lost {
                    bytes,
                    at: total,
                    rest_of: None,
                });
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
