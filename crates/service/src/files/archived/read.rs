//! Files read.

use super::{Archived, Tree, look};
use crate::Result;
use crate::files::read::ReadFile;
use crate::files::tar::HeadKind;
use crate::files::{FileInfo, failure};
use bytes::Bytes;
use podlane_engine::InnerPath;
use podlane_engine::inside::Reason;

/// A part of a file, as it comes.
#[derive(Debug)]
pub(in crate::files) struct Content {
    tree: Tree,
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
        let mut tree = self.tree(&path).await?;
        match tree.next().await? {
            Some(head) if head.kind == HeadKind::File => {}
            _ => return Err(failure(Reason::Changed, path.as_str())),
        }
        let content = Content {
            tree,
            skip: part.offset,
            left: part.length.unwrap_or(u64::MAX),
            _archived: self,
        };
        Ok((look::info(&path, &stat), content))
    }
}

impl Content {
    pub(in crate::files) async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(mut piece) = self.tree.content().await? else {
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
