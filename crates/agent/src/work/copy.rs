//! A second one of a file, a link or a tree.

use super::answer::{At, Failed};
use super::entry::{kind, mode, times};
use super::input::write_all;
use super::owner::Ownership;
use super::walk::{Met, Step, Visit, walk};
use super::write::create;
use podlane_inside::{Kind, Reason};
use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What is copied at once, by the kernel and by this process.
const MUCH: usize = 1 << 30;
const PIECE: usize = 128 << 10;

/// Who owns copies.
#[derive(Clone, Copy)]
pub(super) enum Owned {
    By(Ownership),
    /// Whoever owns what is copied.
    AsBefore,
}

impl Owned {
    fn of(self, found: &Stat) -> Ownership {
        match self {
            Self::By(owner) => owner,
            Self::AsBefore => Ownership::of(found),
        }
    }
}

/// Where a copy is made.
#[derive(Clone, Copy)]
pub(super) struct To<'a> {
    pub(super) directory: &'a OwnedFd,
    pub(super) name: &'a [u8],
}

/// Copies what is open as `from`, or only has a name if it is a link; `path` is for people.
pub(super) fn copy(
    directory: BorrowedFd<'_>,
    name: &[u8],
    path: &[u8],
    to: To<'_>,
    owned: Owned,
) -> Result<(), Failed> {
    let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).at(path)?;
    let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let open = |flags| rustix::fs::openat(directory, name, flags | careful, Mode::empty());
    match kind(found.st_mode) {
        Kind::File => file(&open(OFlags::RDONLY).at(path)?, path, to, owned),
        Kind::Symlink => link(directory, name, &found, to, owned).at(path),
        Kind::Directory => {
            let from = open(OFlags::RDONLY | OFlags::DIRECTORY).at(path)?;
            tree(&from, path, to, owned)
        }
        _ => Err(Failed::new(Reason::Special, path)),
    }
}

fn file(from: &OwnedFd, path: &[u8], to: To<'_>, owned: Owned) -> Result<(), Failed> {
    let found = rustix::fs::fstat(from).at(path)?;
    if kind(found.st_mode) != Kind::File {
        return Err(Failed::new(Reason::Changed, path));
    }
    let made = create(to.directory, to.name, 0o600).at(path)?;
    content(from, &made).at(path)?;
    settle(made.as_fd(), &found, owned).at(path)
}

fn content(from: &OwnedFd, to: &OwnedFd) -> rustix::io::Result<()> {
    loop {
        match rustix::fs::copy_file_range(from, None, to, None, MUCH) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            // Not between these file systems, or not by this kernel; nothing was copied by that.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let mut piece = vec![0; PIECE];
    loop {
        match rustix::io::read(from, &mut piece[..]) {
            Ok(0) => return Ok(()),
            Ok(read) => write_all(to.as_fd(), &piece[..read])?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn settle(made: BorrowedFd<'_>, found: &Stat, owned: Owned) -> rustix::io::Result<()> {
    let wanted = owned.of(found);
    if !wanted.is_of(&rustix::fs::fstat(made)?) {
        wanted.give(made)?;
    }
    rustix::fs::fchmod(made, Mode::from_raw_mode(mode(found)))?;
    rustix::fs::futimens(made, &times(super::entry::modified(found)))
}

fn link(
    directory: BorrowedFd<'_>,
    name: &[u8],
    found: &Stat,
    to: To<'_>,
    owned: Owned,
) -> rustix::io::Result<()> {
    let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
    rustix::fs::symlinkat(target, to.directory, to.name)?;
    owned.of(found).give_name(to.directory, to.name)?;
    let times = times(super::entry::modified(found));
    rustix::fs::utimensat(to.directory, to.name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

fn tree(from: &OwnedFd, path: &[u8], to: To<'_>, owned: Owned) -> Result<(), Failed> {
    let found = rustix::fs::fstat(from).at(path)?;
    let top = make(to).at(path)?;
    let mut tree = Tree {
        path,
        owned,
        // What is copied may have the copy in it.
        own: rustix::fs::fstat(&top).at(path)?,
        above: vec![(top, found)],
    };
    walk(from, path, &mut tree)?;
    tree.close()
}

fn make(to: To<'_>) -> rustix::io::Result<OwnedFd> {
    rustix::fs::mkdirat(to.directory, to.name, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(to.directory, to.name, flags, Mode::empty())
}

struct Tree<'a> {
    path: &'a [u8],
    owned: Owned,
    /// The copy.
    own: Stat,
    /// The directories that are being filled, and what they are copies of.
    above: Vec<(OwnedFd, Stat)>,
}

impl Tree<'_> {
    /// Ends the innermost directory: nothing comes into it any more that would change its time.
    fn close(&mut self) -> Result<(), Failed> {
        if let Some((made, found)) = self.above.pop() {
            settle(made.as_fd(), &found, self.owned).at(self.path)?;
        }
        Ok(())
    }
}

impl Visit for Tree<'_> {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        let Some(found) = met.look().at(met.whole)? else {
            return Ok(Step::Pass);
        };
        if (found.st_dev, found.st_ino) == (self.own.st_dev, self.own.st_ino) {
            return Ok(Step::Pass);
        }
        // Not closed yet are those that could not be entered.
        while self.above.len() > met.depth {
            self.close()?;
        }
        let Some((directory, _)) = self.above.last() else {
            return Ok(Step::Stop);
        };
        let to = To {
            directory,
            name: met.name,
        };
        if kind(found.st_mode) == Kind::Directory {
            let made = make(to).at(met.whole)?;
            self.above.push((made, found));
            return Ok(Step::Enter);
        }
        copy(met.directory, met.name, met.whole, to, self.owned)?;
        Ok(Step::Pass)
    }

    fn leave(&mut self, met: &Met<'_>) -> Result<(), Failed> {
        while self.above.len() > met.depth {
            self.close()?;
        }
        Ok(())
    }
}
