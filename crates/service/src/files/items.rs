//! Files and trees on their way out of a container, thing by thing, whoever reads them.

use super::archived::Tree;
use super::tar::{Head, HeadKind};
use crate::Result;
use crate::work::Work;
use bytes::Bytes;
use podlane_engine::inside::{Item, Kind};

/// What is at one path and below it: paths are relative to it, and empty for itself.
#[derive(Debug)]
pub(super) enum Items {
    Agent(Box<Work>),
    Archive(Box<Tree>),
}

impl Items {
    /// The next thing; `None` after the last. What no archive can hold is passed over.
    pub(super) async fn next(&mut self) -> Result<Option<Head>> {
        match self {
            Self::Agent(work) => {
                while let Some(item) = work.record().await? {
                    let head = head(item);
                    if head.kind != HeadKind::Other {
                        return Ok(Some(head));
                    }
                }
                work.complete();
                Ok(None)
            }
            Self::Archive(tree) => {
                while let Some(head) = tree.next().await? {
                    if head.kind != HeadKind::Other {
                        return Ok(Some(head));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The next piece of a file's content; `None` at its end.
    pub(super) async fn content(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Agent(work) => work.content().await,
            Self::Archive(tree) => tree.content().await,
        }
    }
}

fn head(item: Item) -> Head {
    let kind = match (item.kind, &item.target) {
        (Kind::Directory, _) => HeadKind::Directory,
        (Kind::Symlink, _) => HeadKind::Symlink,
        (Kind::File, Some(_)) => HeadKind::Link,
        (Kind::File, None) => HeadKind::File,
        _ => HeadKind::Other,
    };
    Head {
        path: item.path,
        kind,
        size: item.size,
        mode: item.mode,
        owner: item.owner.unwrap_or_default(),
        modified: item.modified.unwrap_or_default(),
        target: item.target.unwrap_or_default(),
    }
}
