//! What takes a change back that came only half the way.

use super::home::remove_tree;
use super::keys;
use podlane_inside::AccountHome;
use rustix::fs::{AtFlags, renameat, unlinkat};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// Steps back, the last first. Taken when this is dropped, unless the change is kept.
pub(super) struct Undo(Vec<Back>);

enum Back {
    /// Of a name in a directory.
    Name {
        directory: Rc<OwnedFd>,
        name: OsString,
        how: How,
    },
    /// Of the keys in a home.
    Keys(AccountHome, keys::Back),
}

enum How {
    /// An empty directory that was made.
    Directory,
    /// A tree that was made.
    Tree,
    /// A file that was made.
    File,
    /// A file that has another name now.
    Renamed(OsString),
}

impl How {
    fn take(&self, directory: &OwnedFd, name: &OsStr) {
        let _ = match self {
            Self::Directory => unlinkat(directory, name, AtFlags::REMOVEDIR),
            Self::Tree => remove_tree(directory, name),
            Self::File => unlinkat(directory, name, AtFlags::empty()),
            // Two names of one file stay two.
            Self::Renamed(to) => renameat(directory, to, directory, name)
                .and_then(|()| unlinkat(directory, to, AtFlags::empty())),
        };
    }
}

impl Undo {
    /// Nothing yet.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, directory: &Rc<OwnedFd>, name: &OsStr, how: How) {
        self.0.push(Back::Name {
            directory: Rc::clone(directory),
            name: name.to_owned(),
            how,
        });
    }

    pub(super) fn directory(&mut self, at: &Rc<OwnedFd>, name: &OsStr) {
        self.push(at, name, How::Directory);
    }

    pub(super) fn tree(&mut self, at: &Rc<OwnedFd>, name: &OsStr) {
        self.push(at, name, How::Tree);
    }

    pub(super) fn file(&mut self, at: &Rc<OwnedFd>, name: &OsStr) {
        self.push(at, name, How::File);
    }

    pub(super) fn renamed(&mut self, at: &Rc<OwnedFd>, name: &OsStr, to: &OsStr) {
        self.push(at, name, How::Renamed(to.to_owned()));
    }

    pub(super) fn keys(&mut self, home: &AccountHome, back: keys::Back) {
        self.0.push(Back::Keys(home.clone(), back));
    }

    /// Leaves what was done as it is, and removes what was kept for the way back.
    pub(super) fn keep(mut self) {
        for back in std::mem::take(&mut self.0) {
            match back {
                Back::Name {
                    directory,
                    how: How::Renamed(to),
                    ..
                } => {
                    let _ = unlinkat(&directory, to, AtFlags::empty());
                }
                Back::Keys(home, keys::Back::Replaced) => keys::settle(&home),
                _ => {}
            }
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for back in std::mem::take(&mut self.0).into_iter().rev() {
            match back {
                Back::Name {
                    directory,
                    name,
                    how,
                } => how.take(&directory, &name),
                Back::Keys(home, back) => keys::take_back(&home, back),
            }
        }
    }
}
