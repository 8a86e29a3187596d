//! A file's content.

use super::archived::Content;
use super::reach::Way;
use super::{At, FileInfo, outside_kernel};
use crate::places::Place;
use crate::work::Work;
use crate::{Call, Result, Scope, Service};
use bytes::Bytes;
use podlane_engine::inside::{self, Entry};

/// Which part of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadFile {
    /// The first byte.
    pub offset: u64,
    /// How many bytes, at most; `None` for all.
    pub length: Option<u64>,
}

/// A file that is read as fast as somebody takes it.
#[derive(Debug)]
pub struct FileReader {
    info: FileInfo,
    source: Source,
    /// What is still to come of an agent.
    left: u64,
    _place: Place,
}

#[derive(Debug)]
enum Source {
    Agent(Box<Work>),
    Archive(Box<Content>),
}

impl Service {
    /// Opens a regular file; symbolic links are followed.
    pub async fn read_file(&self, call: &Call, at: &At, part: ReadFile) -> Result<FileReader> {
        call.may(Scope::FilesRead)?;
        outside_kernel(&at.path)?;
        let place = self.0.streams.take()?;
        let work = inside::Work::Read {
            path: at.path.as_str().into(),
            offset: part.offset,
            length: part.length,
        };
        let (info, mut source) = match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(mut work) => {
                let entry: Entry = work.first().await?;
                (FileInfo::from(entry), Source::Agent(Box::new(work)))
            }
            Way::Archive(archived) => {
                let (info, content) = archived.read(&at.path, part).await?;
                (info, Source::Archive(Box::new(content)))
            }
        };
        let there = info.size.saturating_sub(part.offset);
        let left = part.length.map_or(there, |length| length.min(there));
        if let (0, Source::Agent(work)) = (left, &mut source) {
            work.complete();
        }
        Ok(FileReader {
            info,
            left,
            source,
            _place: place,
        })
    }
}

impl FileReader {
    /// What is read.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }

    /// The next piece; `None` at the end of the part. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        match &mut self.source {
            Source::Agent(_) if self.left == 0 => Ok(None),
            Source::Agent(work) => {
                let piece = work.content().await?;
                let length = piece.as_ref().map_or(self.left, |piece| piece.len() as u64);
                self.left = self.left.saturating_sub(length);
                if self.left == 0 {
                    work.complete();
                }
                Ok(piece)
            }
            Source::Archive(content) => content.next().await,
        }
    }
}
