//! Files and trees on their way out of a container, thing by thing, whoever reads them.

use super::tar::{Head, HeadKind, Reader};
use crate::Result;
use crate::work::Work;
use bytes::Bytes;
use podlane_engine::inside::{Item, Kind};

/// What is at one path and below it: paths are relative to it, and empty for itself.
#[derive(Debug)]
pub(super) enum Items {
    Agent(Box<Work>),
    Archive {
        reader: Box<Reader>,
        /// How long the name is that the engine puts before all paths; `None` before the first.
        top: Option<usize>,
    },
}

impl Items {
    pub(super) fn of_archive(reader: Reader) -> Self {
        Self::Archive {
            reader: Box::new(reader),
            top: None,
        }
    }

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
            Self::Archive { reader, top } => loop {
                let Some(mut head) = reader.next().await? else {
                    return Ok(None);
                };
                let first = name(&head.path).len();
                // Only the root directory has no name.
                let root = top.is_none() && matches!(name(&head.path), b"" | b".");
                let top = *top.get_or_insert(if root { 0 } else { first });
                head.path = below(&head.path, top);
                if head.kind == HeadKind::Link {
                    head.target = below(&head.target, top);
                }
                if head.kind != HeadKind::Other {
                    return Ok(Some(head));
                }
            },
        }
    }

    /// The next piece of a file's content; `None` at its end.
    pub(super) async fn content(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Agent(work) => work.content().await,
            Self::Archive { reader, .. } => reader.content().await,
        }
    }
}

/// The first name in a path.
fn name(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'/').next().unwrap_or_default()
}

fn below(path: &[u8], top: usize) -> Vec<u8> {
    let rest = path.get(top..).unwrap_or_default();
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    rest.strip_suffix(b"/").unwrap_or(rest).to_vec()
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
