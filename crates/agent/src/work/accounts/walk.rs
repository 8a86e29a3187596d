//! Directories by their paths, without being led astray.
//!
//! A symbolic link is followed only where root alone could have made it. So whoever owns a directory can't
//! make root work somewhere else.

use super::super::answer::{Failed, failure};
use super::undo::Undo;
use podlane_inside::{Failure, Reason};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opens a directory that may be missing.
pub(super) fn existing(path: &[u8]) -> Result<Option<Rc<OwnedFd>>, Failed> {
    match walk(path, None) {
        Ok(directory) => Ok(Some(directory)),
        Err(Failed::Here(Failure {
            reason: Reason::NotFound,
            ..
        })) => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Opens a directory and makes it, and those above it, if it is missing.
pub(super) fn directory(path: &[u8], mode: u32, undo: &mut Undo) -> Result<Rc<OwnedFd>, Failed> {
    walk(path, Some((mode, undo)))
}

/// A path's directory and its own name. It must name something below the root directory.
pub(super) fn split(path: &[u8]) -> Result<(&[u8], &OsStr), Failed> {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    let name = slash.map_or(&[][..], |slash| &path[slash + 1..]);
    if name.is_empty() || matches!(name, b"." | b"..") {
        return Err(failure(&Errno::INVAL.into(), path).into());
    }
    let directory = &path[..slash.unwrap_or_default()];
    let directory = if directory.is_empty() {
        b"/"
    } else {
        directory
    };
    Ok((directory, OsStr::from_bytes(name)))
}

fn walk(path: &[u8], mut make: Option<(u32, &mut Undo)>) -> Result<Rc<OwnedFd>, Failed> {
    let wrong = |errno: Errno| Failed::Here(failure(&errno.into(), path));
    let mut here = Rc::new(openat(CWD, "/", DIRECTORY, Mode::empty()).map_err(wrong)?);
    let parts = path.split(|byte| *byte == b'/');
    for part in parts.filter(|part| !part.is_empty() && *part != b".") {
        if part == b".." {
            return Err(wrong(Errno::INVAL));
        }
        let name = OsStr::from_bytes(part);
        let opened = match open(&here, name) {
            Err(Errno::NOENT) if make.is_some() => {
                let Some((mode, undo)) = &mut make else {
                    return Err(wrong(Errno::NOENT));
                };
                let bits = Mode::from_raw_mode(*mode);
                match mkdirat(&here, name, bits) {
                    Ok(()) => undo.directory(&here, name),
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(wrong(errno)),
                }
                let opened = open(&here, name).map_err(wrong)?;
                fchmod(&opened, bits).map_err(wrong)?;
                opened
            }
            other => other.map_err(wrong)?,
        };
        here = Rc::new(opened);
    }
    Ok(here)
}

fn open(here: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let found = statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mut flags = DIRECTORY | OFlags::NOFOLLOW;
    if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
        let holder = fstat(here)?;
        if holder.st_uid != 0 || found.st_uid != 0 || holder.st_mode & 0o022 != 0 {
            return Err(Errno::LOOP);
        }
        flags = DIRECTORY;
    }
    openat(here, name, flags, Mode::empty())
}
