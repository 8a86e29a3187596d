//! What is said of what is found.

use super::answer::{At, Failed};
use super::resolve::{self, Link, Spot};
use podlane_inside::{Entry, Kind, Path, Version};
use rustix::fs::UTIME_OMIT;
use rustix::fs::{FileType, Stat, Timespec, Timestamps};
use std::os::fd::AsFd;

/// What is at a path.
pub(super) fn stat(path: &[u8], follow: bool) -> Result<Entry, Failed> {
    let spot = resolve::spot(path, Link::followed(follow), None)?;
    let found = spot.found()?;
    of(&spot, &found)
}

/// What is said of what was found at a place.
pub(super) fn of(spot: &Spot, found: &Stat) -> Result<Entry, Failed> {
    let target = target(&spot.directory, &spot.name, found).at(&spot.path)?;
    Ok(entry(spot.path.clone(), found, target))
}

/// What stands in it, if it is a symbolic link.
pub(super) fn target(
    directory: impl AsFd,
    name: &[u8],
    found: &Stat,
) -> rustix::io::Result<Option<Path>> {
    if kind(found.st_mode) != Kind::Symlink {
        return Ok(None);
    }
    let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
    Ok(Some(target.into_bytes()))
}

pub(super) fn entry(path: Path, found: &Stat, target: Option<Path>) -> Entry {
    Entry {
        path,
        kind: kind(found.st_mode),
        size: size(found),
        mode: mode(found),
        uid: found.st_uid,
        gid: found.st_gid,
        modified: modified(found),
        #[allow(clippy::useless_conversion, reason = "another type elsewhere")]
        links: found.st_nlink.into(),
        target,
    }
}

pub(super) fn size(found: &Stat) -> u64 {
    u64::try_from(found.st_size).unwrap_or_default()
}

/// Its permission bits.
pub(super) fn mode(found: &Stat) -> u32 {
    found.st_mode & 0o7777
}

/// When its content was last changed.
pub(super) fn modified(found: &Stat) -> (i64, u32) {
    #[allow(clippy::useless_conversion, reason = "another type elsewhere")]
    let nanoseconds = u32::try_from(found.st_mtime_nsec).unwrap_or_default();
    (found.st_mtime, nanoseconds)
}

/// Its content's version.
pub(super) fn version(found: &Stat) -> Version {
    Version {
        modified: modified(found),
        size: size(found),
    }
}

pub(super) fn kind(mode: u32) -> Kind {
    match FileType::from_raw_mode(mode) {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharacterDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::RegularFile | FileType::Unknown => Kind::File,
    }
}

/// The time of the last change alone, to be set.
pub(super) fn times((seconds, nanoseconds): (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds.into(),
        },
    }
}
