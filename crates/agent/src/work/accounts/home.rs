//! Home directories: made and removed. Whoever owns one may swap what is in it at any moment.

use super::super::answer::{Failed, failure};
use super::super::owner::unmapped;
use super::skeleton::Skeleton;
use super::undo::Undo;
use super::walk;
use podlane_inside::{AccountHome, Failure, Reason};
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, statat,
    unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

pub(super) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// How deep a home directory may go that is removed.
const MAX_DEPTH: usize = 128;

/// Makes home directories.
pub(super) struct NewHomes {
    skeleton: Skeleton,
    /// Where the last one was made: mostly all are in one directory, and there may be more of them than descriptors.
    above: Option<(Vec<u8>, Rc<OwnedFd>)>,
}

impl NewHomes {
    pub(super) fn new() -> Result<Self, Failed> {
        Ok(Self {
            skeleton: Skeleton::read()?,
            above: None,
        })
    }

    /// Makes one; what is there stays as it is.
    pub(super) fn make(&mut self, home: &AccountHome, undo: &mut Undo) -> Result<(), Failed> {
        let wrong = |errno: Errno| failure(&errno.into(), &home.path);
        let (path, name) = walk::split(&home.path)?;
        let above = match &self.above {
            Some((last, above)) if last == path => Rc::clone(above),
            _ => walk::directory(path, 0o755, undo)?,
        };
        self.above = Some((path.to_vec(), Rc::clone(&above)));
        match mkdirat(&above, name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(()),
            Err(errno) => return Err(wrong(errno).into()),
        }
        undo.tree(&above, name);
        let made = openat(&above, name, DIRECTORY, Mode::empty()).map_err(wrong)?;
        let copied = self.skeleton.copy(&made, home.uid, home.gid);
        copied
            .and_then(|()| give(&made, home, home.mode))
            .map_err(|errno| wrong(unmapped(errno)))?;
        Ok(())
    }
}

pub(super) fn give(what: &OwnedFd, home: &AccountHome, mode: u32) -> Result<(), Errno> {
    fchown(
        what,
        Some(Uid::from_raw(home.uid)),
        Some(Gid::from_raw(home.gid)),
    )?;
    fchmod(what, Mode::from_raw_mode(mode))
}

/// What a home directory is in and its name, if it is there and may be removed: it must be the account's own.
pub(super) fn removable(home: &AccountHome) -> Result<Option<(Rc<OwnedFd>, &OsStr)>, Failed> {
    let wrong = |errno: Errno| failure(&errno.into(), &home.path);
    let (above, name) = walk::split(&home.path)?;
    let Some(above) = walk::existing(above)? else {
        return Ok(None);
    };
    let found = match statat(&above, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(wrong(errno).into()),
    };
    if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
        return Err(wrong(Errno::NOTDIR).into());
    }
    if found.st_uid != home.uid {
        let reason = Reason::Invalid("it does not belong to the account".into());
        return Err(Failed::new(reason, &home.path));
    }
    if found.st_dev != fstat(&above).map_err(wrong)?.st_dev {
        return Err(wrong(Errno::BUSY).into());
    }
    Ok(Some((above, name)))
}

/// Removes a home directory. What stood against it, if it is still there.
pub(super) fn remove(home: &AccountHome) -> Option<Failure> {
    let removed = removable(home).and_then(|found| match found {
        Some((above, name)) => {
            let removed = remove_tree(&above, name);
            Ok(removed.map_err(|errno| failure(&errno.into(), &home.path))?)
        }
        None => Ok(()),
    });
    match removed {
        Ok(()) => None,
        Err(Failed::Here(failure)) => Some(failure),
        Err(Failed::There) => Some(failure(&std::io::ErrorKind::Other.into(), &home.path)),
    }
}

/// Removes a directory with all that is in it, but nothing on another file system.
pub(super) fn remove_tree(at: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let device = fstat(at)?.st_dev;
    remove_below(at, name, device, MAX_DEPTH)
}

fn remove_below(at: &OwnedFd, name: &OsStr, device: u64, depth: usize) -> Result<(), Errno> {
    if depth == 0 {
        return Err(Errno::NAMETOOLONG);
    }
    let directory = openat(at, name, DIRECTORY, Mode::empty())?;
    if fstat(&directory)?.st_dev != device {
        return Err(Errno::BUSY);
    }
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let inner = entry.file_name();
        if matches!(inner.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlinkat(&directory, inner, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => {
                let inner = OsStr::from_bytes(inner.to_bytes());
                remove_below(&directory, inner, device, depth - 1)?;
            }
            Err(errno) => return Err(errno),
        }
    }
    unlinkat(at, name, AtFlags::REMOVEDIR)
}
