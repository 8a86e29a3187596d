//! What is at a path.

use super::answer::{Failed, failure};
use podlane_inside::{Entry, Kind};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

pub(super) fn stat(path: &[u8], follow: bool) -> Result<Entry, Failed> {
    let at = Path::new(OsStr::from_bytes(path));
    let found = if follow {
        at.metadata()
    } else {
        at.symlink_metadata()
    };
    let found = found.map_err(|error| failure(&error, path))?;
    let target = if found.is_symlink() {
        let target = at.read_link().map_err(|error| failure(&error, path))?;
        Some(target.into_os_string().into_vec())
    } else {
        None
    };
    Ok(entry(path.to_vec(), &found, target))
}

fn entry(path: Vec<u8>, found: &Metadata, target: Option<Vec<u8>>) -> Entry {
    Entry {
        path,
        kind: kind(found),
        size: found.size(),
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        modified: (
            found.mtime(),
            u32::try_from(found.mtime_nsec()).unwrap_or_default(),
        ),
        links: found.nlink(),
        target,
    }
}

fn kind(found: &Metadata) -> Kind {
    let kind = found.file_type();
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink
    } else if kind.is_fifo() {
        Kind::Fifo
    } else if kind.is_socket() {
        Kind::Socket
    } else if kind.is_char_device() {
        Kind::CharacterDevice
    } else if kind.is_block_device() {
        Kind::BlockDevice
    } else {
        Kind::File
    }
}
