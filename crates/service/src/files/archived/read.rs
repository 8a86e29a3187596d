//! Files read.

use super::{Archived, TRANSFER, look, meaning};
use crate::files::read::ReadFile;
use crate::files::tar::{HeadKind, Reader};
use crate::files::{FileInfo, failure};
use crate::motion::{late, patient};
use crate::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use podlane_engine::inside::Reason;
use podlane_engine::{Error as EngineError, InnerPath};
use tokio::time::timeout;

/// A part of a file, as it comes.
#[derive(Debug)]
pub(in crate::files) struct Content {
    reader: Reader,
    skip: u64,
    left: u64,
    _archived: Archived,
}

impl Archived {
    pub(in crate::files) async fn read(
        self,
        path: &InnerPath,
        part: ReadFile,
    ) -> Result<(FileInfo, Content)> {
        let (path, stat) = self.file(path).await?;
        let mut reader = self.entries(&path).await?;
        match reader.next().await? {
            Some(head) if head.kind == HeadKind::File => {}
            _ => return Err(failure(Reason::Changed, path.as_str())),
        }
        let content = Content {
            reader,
            skip: part.offset,
            left: part.length.unwrap_or(u64::MAX),
            _archived: self,
        };
        Ok((look::info(&path, &stat), content))
    }

    /// What is at a path and below it.
    pub(in crate::files) async fn entries(&self, path: &InnerPath) -> Result<Reader> {
        let call = self.call.extended(TRANSFER);
        let engine = &self.service.0.engine;
        let limit = self.service.0.limits.request_timeout;
        let archive = timeout(limit, engine.read_archive(&call, &self.id, path)).await;
        let archive = archive.unwrap_or_else(|_elapsed| Err(late("reading files", limit)));
        let archive = archive.map_err(|error| meaning(error, path))?;
        let archive = patient(archive, "reading files", limit);
        Ok(Reader::new(archive.map_err(Error::from).boxed(), garbled))
    }
}

fn garbled(reason: &'static str) -> Error {
    EngineError::Garbled {
        step: "reading files".into(),
        reason: reason.into(),
    }
    .into()
}

impl Content {
    pub(in crate::files) async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(mut piece) = self.reader.content().await? else {
                break;
            };
            let skip = usize::try_from(self.skip)
                .unwrap_or(usize::MAX)
                .min(piece.len());
            let _ = piece.split_to(skip);
            self.skip -= skip as u64;
            piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= piece.len() as u64;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}
