//! What an archive is unpacked into: no link in it is followed, and nothing made of something else.

use super::resolve::Spot;
use super::{Archived, failure};
use crate::Result;
use podlane_engine::inside::{Item, Kind, Reason};
use podlane_engine::{FileKind, InnerPath};
use std::collections::HashMap;
use std::sync::Arc;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// A directory that was not there before: all in it comes from the archive.
    Made,
    /// A directory.
    Directory,
    /// Something else.
    Other,
}

/// A directory, and what is known of what is below it.
pub(super) struct Below {
    archived: Arc<Archived>,
    path: InnerPath,
    /// By relative paths; of the directory itself by an empty one.
    seen: HashMap<Vec<u8>, Seen>,
}

impl Below {
    pub(super) fn new(archived: Arc<Archived>, spot: &Spot) -> Self {
        let itself = match spot.stat {
            Some(_) => Seen::Directory,
            None => Seen::Made,
        };
        Self {
            archived,
            path: spot.path.clone(),
            seen: HashMap::from([(Vec::new(), itself)]),
        }
    }

    /// Refuses an item that Podman would put elsewhere, or silently not at all: below a link, a directory
    /// for something else, or a link for a directory.
    pub(super) async fn check(&mut self, item: &Item) -> Result<()> {
        let mut above = Seen::Directory;
        let slashes = item.path.iter().enumerate();
        let slashes = slashes.filter(|(_, byte)| **byte == b'/');
        let ends: Vec<usize> = slashes.map(|(at, _)| at).collect();
        for end in [0].into_iter().chain(ends) {
            let path = &item.path[..end];
            let below = above;
            above = self.at(path, below).await?.unwrap_or(Seen::Made);
            if above == Seen::Other {
                return Err(failure(Reason::NotDirectory, &self.whole(path)));
            }
            // What is in a directory of the archive's own is not looked at, and needs no memory.
            if below != Seen::Made {
                self.seen.insert(path.to_vec(), above);
            }
        }
        let (directory, path) = (item.kind == Kind::Directory, item.path.as_slice());
        // A file comes in the place of a file, or is refused by Podman.
        let simple = item.kind == Kind::File && item.target.is_none();
        let there = if simple {
            None
        } else {
            self.at(path, above).await?
        };
        let seen = match (there, directory) {
            (Some(Seen::Other), true) => {
                return Err(failure(Reason::NotDirectory, &self.whole(path)));
            }
            (Some(Seen::Directory | Seen::Made), false) => {
                return Err(failure(Reason::IsDirectory, &self.whole(path)));
            }
            (Some(seen), true) => seen,
            (None, true) => Seen::Made,
            (_, false) => Seen::Other,
        };
        self.seen.insert(item.path.clone(), seen);
        Ok(())
    }

    /// What is at a path in a directory; `None` if nothing is.
    async fn at(&self, below: &[u8], above: Seen) -> Result<Option<Seen>> {
        if let Some(seen) = self.seen.get(below) {
            return Ok(Some(*seen));
        }
        if above == Seen::Made {
            return Ok(None);
        }
        let text = std::str::from_utf8(below).ok();
        let path = text.and_then(|below| InnerPath::parse(&format!("{}/{below}", self.path)).ok());
        let Some(path) = path else {
            let reason = Reason::Invalid("can't be looked at by Podman".into());
            return Err(failure(reason, &self.whole(below)));
        };
        let stat = self.archived.look(&path).await?;
        Ok(stat.map(|stat| match stat.kind {
            FileKind::Directory => Seen::Directory,
            _ => Seen::Other,
        }))
    }

    fn whole(&self, below: &[u8]) -> String {
        let path = self.path.as_str().trim_end_matches('/');
        format!("{path}/{}", String::from_utf8_lossy(below))
    }
}
