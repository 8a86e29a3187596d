//! Who may log in with which keys: a home's `.ssh/authorized_keys`, written beside it and then named.
//!
//! Nothing that leads elsewhere is followed, and nothing is touched that is neither the account's nor root's.
//! The directories are found anew for each step: there may be more of them than descriptors.

use super::super::answer::{Failed, failure};
use super::change::{beside, kept};
use super::home::{DIRECTORY, give};
use super::undo::Undo;
use super::{at, instead, joined, walk};
use podlane_inside::AccountHome;
use rustix::fs::{AtFlags, Mode, OFlags, fstat, linkat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

const KEYS_DIRECTORY: &str = ".ssh";
const KEYS: &str = "authorized_keys";

/// Writes the keys beside their place.
pub(super) fn stage(home: &AccountHome, keys: &[u8], undo: &mut Undo) -> Result<(), Failed> {
    let path = path(home);
    let wrong = |errno: Errno| failure(&errno.into(), &path);
    let inside = open_home(home)?;
    let made = match mkdirat(&inside, KEYS_DIRECTORY, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(wrong(errno).into()),
    };
    if made {
        undo.keys(home, Back::Directory);
    }
    let directory = open(home)?;
    if made {
        give(&directory, home, 0o700).map_err(wrong)?;
    }
    let beside = beside(KEYS);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let create = || openat(&directory, &beside, flags, Mode::RUSR | Mode::WUSR);
    let opened = instead(&directory, &beside, create).map_err(wrong)?;
    undo.keys(home, Back::Staged);
    let mut file = File::from(opened);
    file.write_all(keys)
        .map_err(|error| failure(&error, &path))?;
    give(&file.into(), home, 0o600).map_err(wrong)?;
    Ok(())
}

/// Gives what was written beside its name. What has that name is kept until the end.
pub(super) fn name(home: &AccountHome, undo: &mut Undo) -> Result<(), Failed> {
    let path = path(home);
    let wrong = at(&path, KEYS);
    let directory = open(home)?;
    let kept = kept(KEYS);
    let link = || linkat(&directory, KEYS, &directory, &kept, AtFlags::empty());
    match instead(&directory, &kept, link) {
        Ok(()) => undo.keys(home, Back::Replaced),
        Err(Errno::NOENT) => undo.keys(home, Back::New),
        // Where a file has one name only, for a moment there is none.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
            renameat(&directory, KEYS, &directory, &kept).map_err(at(&path, KEYS))?;
            undo.keys(home, Back::Replaced);
        }
        Err(errno) => return Err(wrong(errno)),
    }
    renameat(&directory, beside(KEYS), &directory, KEYS).map_err(wrong)
}

/// A step back.
#[derive(Clone, Copy)]
pub(super) enum Back {
    /// The directory was made.
    Directory,
    /// They were written beside.
    Staged,
    /// They have a name that nothing had.
    New,
    /// They have the name of others, which are kept.
    Replaced,
}

/// Takes a step back.
pub(super) fn take_back(home: &AccountHome, back: Back) {
    let _ = match back {
        Back::Directory => {
            open_home(home).map(|inside| unlinkat(inside, KEYS_DIRECTORY, AtFlags::REMOVEDIR))
        }
        Back::Staged => open(home).map(|at| unlinkat(at, beside(KEYS), AtFlags::empty())),
        Back::New => open(home).map(|at| unlinkat(at, KEYS, AtFlags::empty())),
        Back::Replaced => open(home).map(|at| {
            let kept = kept(KEYS);
            renameat(&at, &kept, &at, KEYS)?;
            // Two names of one file stay two.
            unlinkat(&at, kept, AtFlags::empty())
        }),
    };
}

/// Removes what was kept for the way back.
pub(super) fn settle(home: &AccountHome) {
    if let Ok(directory) = open(home) {
        let _ = unlinkat(directory, kept(KEYS), AtFlags::empty());
    }
}

fn path(home: &AccountHome) -> Vec<u8> {
    joined(&home.path, KEYS_DIRECTORY.as_bytes())
}

fn open_home(home: &AccountHome) -> Result<OwnedFd, Failed> {
    let wrong = |errno: Errno| failure(&errno.into(), &home.path);
    let (above, name) = walk::split(&home.path)?;
    let Some(above) = walk::existing(above)? else {
        return Err(wrong(Errno::NOENT).into());
    };
    let inside = openat(&above, name, DIRECTORY, Mode::empty()).map_err(wrong)?;
    its_own(&inside, home).map_err(wrong)?;
    Ok(inside)
}

fn open(home: &AccountHome) -> Result<OwnedFd, Failed> {
    let path = path(home);
    let wrong = |errno: Errno| failure(&errno.into(), &path);
    let inside = open_home(home)?;
    let directory = openat(&inside, KEYS_DIRECTORY, DIRECTORY, Mode::empty()).map_err(wrong)?;
    its_own(&directory, home).map_err(wrong)?;
    Ok(directory)
}

/// That something belongs to the account, or to root.
fn its_own(what: &OwnedFd, home: &AccountHome) -> Result<(), Errno> {
    let owner = fstat(what)?.st_uid;
    if owner == home.uid || owner == 0 {
        Ok(())
    } else {
        Err(Errno::PERM)
    }
}
