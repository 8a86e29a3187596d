//! Things made an archive of, as it is taken.

use super::items::Items;
use super::tar::{self, HeadKind};
use crate::{Error, Result};
use bytes::Bytes;
use podlane_engine::Error as EngineError;

/// The archive of one path, without an end.
#[derive(Debug)]
pub(super) struct Repack {
    items: Items,
    /// What everything is called below.
    name: Vec<u8>,
    /// Whose everything is; `None` for what the things say.
    owner: Option<(u32, u32)>,
    /// The content under way: its size, and what of it is still to come.
    content: Option<(u64, u64)>,
    /// What was taken before it was asked for.
    prepared: Option<Bytes>,
}

impl Repack {
    pub(super) fn new(items: Items, name: Vec<u8>, owner: Option<(u32, u32)>) -> Self {
        Self {
            items,
            name,
            owner,
            content: None,
            prepared: None,
        }
    }

    /// Waits for the first entry: what is wrong with the path is known then.
    pub(super) async fn prepare(&mut self) -> Result<()> {
        self.prepared = self.next().await?;
        Ok(())
    }

    /// Whether what was taken so far is whole entries.
    pub(super) fn is_between(&self) -> bool {
        self.content.is_none()
    }

    /// The next piece; `None` after the last entry.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(piece) = self.prepared.take() {
            return Ok(Some(piece));
        }
        if let Some((size, left)) = &mut self.content {
            let (size, rest) = (*size, *left);
            let Some(piece) = self.items.content().await? else {
                if rest > 0 {
                    return Err(shrunk());
                }
                self.content = None;
                let padding = tar::padding(size);
                if !padding.is_empty() {
                    return Ok(Some(padding));
                }
                return Box::pin(self.next()).await;
            };
            *left = rest.checked_sub(piece.len() as u64).ok_or_else(shrunk)?;
            return Ok(Some(piece));
        }
        loop {
            let Some(mut head) = self.items.next().await? else {
                return Ok(None);
            };
            head.path = self.placed(&head.path);
            if head.path.is_empty() {
                // The root directory, which has no name.
                continue;
            }
            if head.kind == HeadKind::Link {
                head.target = self.placed(&head.target);
            }
            head.owner = self.owner.unwrap_or(head.owner);
            // Whole seconds need no second header.
            head.modified.1 = 0;
            if head.kind == HeadKind::File {
                self.content = Some((head.size, head.size));
            }
            return tar::head(&head).map(Some);
        }
    }

    fn placed(&self, path: &[u8]) -> Vec<u8> {
        match (self.name.as_slice(), path) {
            (name, b"") => name.to_vec(),
            (b"", path) => path.to_vec(),
            (name, path) => [name, b"/", path].concat(),
        }
    }
}

fn shrunk() -> Error {
    EngineError::Garbled {
        step: "reading files".into(),
        reason: "a file has not the size that was told".into(),
    }
    .into()
}
