//! What takes a change back that came only half the way.

use super::home::remove_tree;
use rustix::fs::{AtFlags, fstat, renameat, unlinkat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// Steps back, the last first. Taken when this is dropped, unless the change is kept.
pub(super) struct Undo(Vec<Back>);

struct Back {
    /// One descriptor for steps in the same directory: there may be more homes than descriptors.
    directory: Rc<OwnedFd>,
    name: OsString,
    how: How,
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

impl Undo {
    /// Nothing yet.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, directory: &OwnedFd, name: &OsStr, how: How) -> Result<(), Errno> {
        let same = |back: &Back| -> Result<bool, Errno> {
            let (one, other) = (fstat(&back.directory)?, fstat(directory)?);
            Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
        };
        let directory = match self.0.last() {
            Some(last) if same(last)? => Rc::clone(&last.directory),
            _ => Rc::new(fcntl_dupfd_cloexec(directory, 3)?),
        };
        self.0.push(Back {
            directory,
            name: name.to_owned(),
            how,
        });
        Ok(())
    }

    pub(super) fn directory(&mut self, at: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        self.push(at, name, How::Directory)
    }

    pub(super) fn tree(&mut self, at: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        self.push(at, name, How::Tree)
    }

    pub(super) fn file(&mut self, at: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        self.push(at, name, How::File)
    }

    pub(super) fn renamed(&mut self, at: &OwnedFd, name: &OsStr, to: &OsStr) -> Result<(), Errno> {
        self.push(at, name, How::Renamed(to.to_owned()))
    }

    /// Leaves what was done as it is, and removes what was kept for the way back.
    pub(super) fn keep(mut self) {
        for back in std::mem::take(&mut self.0) {
            if let How::Renamed(to) = &back.how {
                let _ = unlinkat(&back.directory, to, AtFlags::empty());
            }
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for back in std::mem::take(&mut self.0).into_iter().rev() {
            let Back {
                directory, name, ..
            } = &back;
            let _ = match &back.how {
                How::Directory => unlinkat(directory, name, AtFlags::REMOVEDIR),
                How::Tree => remove_tree(directory, name),
                How::File => unlinkat(directory, name, AtFlags::empty()),
                // Two names of one file stay two.
                How::Renamed(to) => renameat(directory, to, directory, name)
                    .and_then(|()| unlinkat(directory, to, AtFlags::empty())),
            };
        }
    }
}
