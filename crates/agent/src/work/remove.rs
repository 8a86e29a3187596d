//! What is removed.

use super::answer::{At, Failed};
use super::limit;
use super::resolve::{self, Link};
use super::temporary::{alone, expect};
use super::walk::{DEEPEST, names, raise_limit};
use podlane_inside::{Expectation, Reason, Summary};
use rustix::fs::{AtFlags, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// How many names of a directory are looked at in one go.
const HANDFUL: usize = 4096;

pub(super) fn remove(
    path: &[u8],
    recursive: bool,
    expected: &Expectation,
) -> Result<Summary, Failed> {
    let spot = resolve::spot(path, Link::Itself, None)?;
    let _alone = match expected {
        Expectation::Any => None,
        _ => alone(&spot)?,
    };
    let found = spot.found();
    match (&found, expected) {
        (Err(_), Expectation::Present | Expectation::Versions(_)) => {
            return Err(Failed::new(Reason::Changed, &spot.path));
        }
        _ => expect(expected, Some(&found?), &spot.path)?,
    }
    if spot.name == b"." {
        return Err(Failed::new(Reason::Busy, &spot.path));
    }
    let mut removal = Removal {
        path: spot.path.clone(),
        entries: 0,
    };
    if recursive {
        raise_limit();
        removal.all(&spot.directory, &spot.name, 0)?;
    } else {
        removal.one(&spot.directory, &spot.name)?;
    }
    Ok(Summary {
        entries: removal.entries,
    })
}

/// Removes what was made by a work, whatever it is.
pub(super) fn whatever(directory: &OwnedFd, name: &[u8]) -> Result<(), Failed> {
    let mut removal = Removal {
        path: Vec::new(),
        entries: 0,
    };
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => removal.all(directory, name, 0),
        other => other.at(name),
    }
}

/// Whether a file system is mounted there.
fn is_mounted(directory: &OwnedFd, above: &OwnedFd) -> rustix::io::Result<bool> {
    let flags = AtFlags::EMPTY_PATH;
    let look = rustix::fs::statx(directory, "", flags, StatxFlags::empty());
    if let Ok(found) = look
        && found
            .stx_attributes_mask
            .contains(StatxAttributes::MOUNT_ROOT)
    {
        return Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    }
    // A kernel before 5.8.
    Ok(rustix::fs::fstat(directory)?.st_dev != rustix::fs::fstat(above)?.st_dev)
}

struct Removal {
    /// Where it is.
    path: Vec<u8>,
    entries: u64,
}

impl Removal {
    /// A file, or a directory that is empty.
    fn one(&mut self, directory: &OwnedFd, name: &[u8]) -> Result<(), Failed> {
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            // For directories POSIX has the one, Linux the other.
            Err(Errno::ISDIR | Errno::PERM) => {
                match rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
                    Err(Errno::NOTDIR) => Err(Errno::PERM).at(&self.path),
                    other => other.at(&self.path),
                }
            }
            other => other.at(&self.path),
        }?;
        self.entries += 1;
        Ok(())
    }

    /// With all that is in it, if it is a directory. No link is followed, no mount entered.
    fn all(&mut self, directory: &OwnedFd, name: &[u8], depth: usize) -> Result<(), Failed> {
        let flags = OFlags::RDONLY
            | OFlags::DIRECTORY
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        match rustix::fs::openat(directory, name, flags, Mode::empty()) {
            Ok(opened) => {
                if is_mounted(&opened, directory).at(&self.path)? {
                    return Err(Failed::new(Reason::Busy, &self.path));
                }
                self.content(&opened, depth)?;
            }
            // It is none, or one that can't be read, which may be empty all the same.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
            Err(error) => return Err(error).at(&self.path),
        }
        self.one(directory, name)
    }

    fn content(&mut self, directory: &OwnedFd, depth: usize) -> Result<(), Failed> {
        if depth >= DEEPEST {
            return Err(limit("1000 directories in each other", &self.path));
        }
        loop {
            let (names, whole) = names(directory.as_fd(), HANDFUL).at(&self.path)?;
            let length = self.path.len();
            for name in &names {
                self.path.push(b'/');
                self.path.extend_from_slice(&name.name);
                let removed =
                    match rustix::fs::unlinkat(directory, &name.name[..], AtFlags::empty()) {
                        Ok(()) => {
                            self.entries += 1;
                            Ok(())
                        }
                        Err(Errno::NOENT) => Ok(()),
                        Err(Errno::ISDIR | Errno::PERM) => {
                            self.all(directory, &name.name, depth + 1)
                        }
                        Err(error) => Err(error).at(&self.path),
                    };
                match removed {
                    Err(failed) if failed.reason() == Some(&Reason::NotFound) => {}
                    removed => removed?,
                }
                self.path.truncate(length);
            }
            if whole {
                return Ok(());
            }
        }
    }
}
