//! What is at a path, as far as it can be told.

use super::tar::{Head, HeadKind};
use podlane_engine::inside::{Entry, Kind, Version};

/// Something in a container's file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its path; in lists relative to what is listed.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// Its owner and group by number; `None` where the engine alone was asked, which does not tell.
    pub owner: Option<(u32, u32)>,
    /// When its content was last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// How many names it has, as far as is known.
    pub links: Option<u64>,
    /// Where it leads, if it is a symbolic link.
    pub target: Option<Vec<u8>>,
}

impl FileInfo {
    /// Its content's version.
    pub fn version(&self) -> Version {
        Version {
            modified: self.modified,
            size: self.size,
        }
    }

    /// As an archive of the engine's tells of it, which does not know owners.
    pub(super) fn of(path: &[u8], head: &Head) -> Self {
        let (kind, target) = match head.kind {
            HeadKind::Directory => (Kind::Directory, None),
            HeadKind::Symlink => (Kind::Symlink, Some(head.target.clone())),
            HeadKind::File | HeadKind::Link => (Kind::File, None),
            HeadKind::Other => (Kind::CharacterDevice, None),
        };
        Self {
            path: path.to_vec(),
            kind,
            size: target
                .as_ref()
                .map_or(head.size, |target| target.len() as u64),
            mode: head.mode,
            owner: None,
            modified: head.modified,
            links: None,
            target,
        }
    }
}

impl From<Entry> for FileInfo {
    fn from(entry: Entry) -> Self {
        Self {
            path: entry.path,
            kind: entry.kind,
            size: entry.size,
            mode: entry.mode,
            owner: Some((entry.uid, entry.gid)),
            modified: entry.modified,
            links: Some(entry.links),
            target: entry.target,
        }
    }
}
