//! A file written as it comes, and seen when it is whole.

use super::archived::Writing;
use super::reach::Way;
use super::{At, FileInfo, below_root, failure, outside_kernel};
use crate::places::Place;
use crate::work::Work;
use crate::{Call, Error, Result, Scope, Service};
use bytes::Bytes;
use podlane_engine::inside::{self, Entry, Expectation, Reason};

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its size, if it is known.
    pub size: Option<u64>,
    /// Its permission bits; `None` for those of the file that it replaces, else 0644.
    pub mode: Option<u32>,
    /// Its owner and group by number; `None` for the user that the container runs as, or that is named.
    pub owner: Option<(u32, u32)>,
    /// Whether missing directories above it are made.
    pub parents: bool,
    /// What must be there before.
    pub expected: Expectation,
}

/// A file under way. Dropped before [`FileWriter::finish`], nothing of it is left.
#[derive(Debug)]
pub struct FileWriter {
    sink: Sink,
    left: u64,
    limit: u64,
    path: String,
    _place: Place,
}

#[derive(Debug)]
enum Sink {
    Agent(Work),
    Archive(Writing),
}

impl Service {
    /// Begins to write a file. It takes its place at once, when it is whole.
    pub async fn write_file(&self, call: &Call, at: &At, new: NewFile) -> Result<FileWriter> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        below_root(&at.path)?;
        let limit = self.0.limits.upload_bytes;
        if new.size.is_some_and(|size| size > limit) {
            return Err(too_large(at.path.as_str(), limit));
        }
        let place = self.0.streams.take()?;
        let reach = self.reach(call, at).await?;
        let work = inside::Work::Write {
            path: at.path.as_str().into(),
            place: reach.place(new.owner, new.parents, new.expected.clone()),
            mode: new.mode,
        };
        let sink = match reach.way(&work).await? {
            Way::Agent(work) => Sink::Agent(work),
            Way::Archive(archived) => Sink::Archive(archived.write(at.path.clone(), new).await?),
        };
        Ok(FileWriter {
            sink,
            left: limit,
            limit,
            path: at.path.to_string(),
            _place: place,
        })
    }
}

impl FileWriter {
    /// Writes the next piece.
    pub async fn write(&mut self, piece: Bytes) -> Result<()> {
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| too_large(&self.path, self.limit))?;
        match &mut self.sink {
            Sink::Agent(work) => work.give(&piece).await,
            Sink::Archive(writing) => writing.write(piece).await,
        }
    }

    /// Gives the file its name. Answers what is there now, and whether nothing was before as far as that
    /// was looked at.
    pub async fn finish(self) -> Result<FileInfo> {
        match self.sink {
            Sink::Agent(mut work) => {
                work.give_end().await?;
                Ok(work.only::<Entry>().await?.into())
            }
            Sink::Archive(writing) => writing.finish().await,
        }
    }
}

fn too_large(path: &str, limit: u64) -> Error {
    failure(
        Reason::Limit(format!("{limit} bytes (the setting limits.upload_bytes)")),
        path,
    )
}
