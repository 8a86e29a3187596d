//! Which entries of a foreign archive are taken. Pure.

use super::{Head, HeadKind};
use podlane_engine::InnerPath;
use podlane_engine::inside::{Item, Kind};
use std::collections::HashSet;

/// What an upload asks for, and what it has brought so far.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Whether set-user-ID, set-group-ID and sticky are kept.
    pub(crate) special_bits: bool,
    /// Whether the owners in the archive are kept.
    pub(crate) owners: bool,
    /// How many entries are left.
    entries: u64,
    /// The files that came, for links to them.
    files: HashSet<Vec<u8>>,
}

/// Why an entry is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// More than there may be.
    TooMany,
    /// For people, behind its path.
    Entry(&'static str),
}

impl Rules {
    pub(crate) fn new(special_bits: bool, owners: bool, entries: u64) -> Self {
        Self {
            special_bits,
            owners,
            entries,
            files: HashSet::new(),
        }
    }

    /// The entry as it is unpacked; `None` for the directory itself, which stays as it is.
    pub(crate) fn take(&mut self, head: &Head) -> Result<Option<Item>, Wrong> {
        self.entries = self.entries.checked_sub(1).ok_or(Wrong::TooMany)?;
        let path = relative(&head.path).map_err(Wrong::Entry)?;
        let (kind, target) = match head.kind {
            HeadKind::File => (Kind::File, None),
            HeadKind::Directory => (Kind::Directory, None),
            HeadKind::Symlink => {
                if head.target.is_empty() || head.target.len() > InnerPath::MAX {
                    return Err(Wrong::Entry("leads nowhere"));
                }
                (Kind::Symlink, Some(head.target.clone()))
            }
            HeadKind::Link => {
                let target = relative(&head.target).map_err(Wrong::Entry)?;
                if !self.files.contains(&target) {
                    return Err(Wrong::Entry(
                        "is a hard link to what is no file before it in the archive",
                    ));
                }
                (Kind::File, Some(target))
            }
            HeadKind::Other => return Err(Wrong::Entry("is a device, named pipe or the like")),
        };
        if path.is_empty() {
            return match kind {
                Kind::Directory => Ok(None),
                _ => Err(Wrong::Entry("has no name")),
            };
        }
        if head.size > 0 && (kind != Kind::File || target.is_some()) {
            return Err(Wrong::Entry("has content, which only files have"));
        }
        if kind == Kind::File {
            self.files.insert(path.clone());
        } else {
            self.files.remove(&path);
        }
        Ok(Some(Item {
            path,
            kind,
            size: head.size,
            mode: head.mode & if self.special_bits { 0o7777 } else { 0o777 },
            owner: self.owners.then_some(head.owner),
            modified: Some(head.modified),
            target,
        }))
    }
}

/// A path below the directory that is unpacked to.
fn relative(path: &[u8]) -> Result<Vec<u8>, &'static str> {
    if path.starts_with(b"/") {
        return Err("has an absolute name");
    }
    if path.contains(&0) {
        return Err("has a NUL in its name");
    }
    let mut kept = Vec::with_capacity(path.len());
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => continue,
            b".." => return Err("has `..` in its name"),
            _ if name.len() > InnerPath::MAX_COMPONENT => {
                return Err("has a name that is too long");
            }
            _ => {}
        }
        if !kept.is_empty() {
            kept.push(b'/');
        }
        kept.extend_from_slice(name);
    }
    if kept.len() > InnerPath::MAX {
        return Err("has a path that is too long");
    }
    Ok(kept)
}
