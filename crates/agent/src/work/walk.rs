//! A tree gone through: each directory before what is in it, and names in the order of their bytes. No
//! symbolic link is followed, and no directory of the kernel's entered.

use super::answer::{At, Failed};
use super::{kernel, limit};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How many names are kept in mind at once.
const MOST: usize = 1_000_000;
/// How many directories may be in each other.
pub(super) const DEEPEST: usize = 1000;

/// Something that is met on the way.
pub(super) struct Met<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
    /// Relative to where the walk began.
    pub(super) path: &'a [u8],
    /// Resolved and whole.
    pub(super) whole: &'a [u8],
    pub(super) kind: FileType,
    /// 1 for what is in the directory where the walk began.
    pub(super) depth: usize,
}

impl Met<'_> {
    /// What it is now; `None` if it is gone.
    pub(super) fn look(&self) -> rustix::io::Result<Option<Stat>> {
        match rustix::fs::statat(self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens it, whatever it is by now, without waiting for anything.
    pub(super) fn open(&self, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        rustix::fs::openat(self.directory, self.name, flags | careful, Mode::empty())
    }
}

/// Where to go from there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Into it, if it is a directory.
    Enter,
    Pass,
    /// Nowhere any more.
    Stop,
}

/// What is done on the way.
pub(super) trait Visit {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed>;

    /// After all that is in a directory that was entered.
    fn leave(&mut self, _met: &Met<'_>) -> Result<(), Failed> {
        Ok(())
    }

    /// A directory that can't be entered.
    fn barred(&mut self, met: &Met<'_>, error: Errno) -> Result<(), Failed> {
        Err(error).at(met.whole)
    }
}

/// Goes through all that is in a directory, whose resolved path is `path`.
pub(super) fn walk(directory: &OwnedFd, path: &[u8], visit: &mut impl Visit) -> Result<(), Failed> {
    raise_limit();
    let mut walk = Walk {
        visit,
        whole: path.strip_suffix(b"/").unwrap_or(path).to_vec(),
        start: 0,
        held: 0,
    };
    walk.start = walk.whole.len() + 1;
    walk.through(directory, 1)?;
    Ok(())
}

/// Directories that are in each other are open at the same time.
pub(super) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it, a deep tree is refused.
    let _ = setrlimit(Resource::Nofile, limit);
}

struct Walk<'a, V> {
    visit: &'a mut V,
    /// The resolved path of where it is.
    whole: Vec<u8>,
    /// Where in it the relative one begins.
    start: usize,
    /// How many names are kept in mind.
    held: usize,
}

impl<V: Visit> Walk<'_, V> {
    /// Whether it is to go on.
    fn through(&mut self, directory: &OwnedFd, depth: usize) -> Result<bool, Failed> {
        if depth > DEEPEST {
            return Err(limit("1000 directories in each other", &self.whole));
        }
        let (mut names, whole) = names(directory.as_fd(), MOST - self.held).at(&self.whole)?;
        if !whole {
            return Err(limit("a million names", &self.whole));
        }
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.held += names.len();
        let length = self.whole.len();
        for one in &names {
            self.whole.push(b'/');
            self.whole.extend_from_slice(&one.name);
            let goes_on = self.meet(directory, one, depth)?;
            self.whole.truncate(length);
            if !goes_on {
                return Ok(false);
            }
        }
        self.held -= names.len();
        Ok(true)
    }

    fn meet(&mut self, directory: &OwnedFd, one: &Name, depth: usize) -> Result<bool, Failed> {
        let whole = self.whole.clone();
        let mut met = Met {
            directory: directory.as_fd(),
            name: &one.name,
            path: &whole[self.start..],
            whole: &whole,
            kind: one.kind,
            depth,
        };
        if met.kind == FileType::Unknown {
            match met.look().at(&whole)? {
                Some(found) => met.kind = FileType::from_raw_mode(found.st_mode),
                None => return Ok(true),
            }
        }
        match self.visit.meet(&met)? {
            Step::Stop => return Ok(false),
            Step::Pass => return Ok(true),
            Step::Enter if met.kind != FileType::Directory => return Ok(true),
            Step::Enter => {}
        }
        let inner = match met.open(OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(inner) => inner,
            // Gone, or another thing by now.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(true),
            Err(error) => {
                self.visit.barred(&met, error)?;
                return Ok(true);
            }
        };
        if kernel::has_path(&whole) || kernel::has(&inner).at(&whole)? {
            return Ok(true);
        }
        if !self.through(&inner, depth + 1)? {
            return Ok(false);
        }
        self.visit.leave(&met)?;
        Ok(true)
    }
}

/// A name in a directory.
pub(super) struct Name {
    pub(super) name: Vec<u8>,
    pub(super) kind: FileType,
}

/// The names in a directory, at most so many; and whether that are all.
pub(super) fn names(
    directory: BorrowedFd<'_>,
    most: usize,
) -> rustix::io::Result<(Vec<Name>, bool)> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        if names.len() == most {
            return Ok((names, false));
        }
        names.push(Name {
            name: name.to_vec(),
            kind: entry.file_type(),
        });
    }
    Ok((names, true))
}
