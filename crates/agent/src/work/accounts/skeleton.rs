//! What a new home directory is made of: /etc/skel, read once.

use super::super::answer::{Failed, failure};
use super::{joined, read_whole, seen, walk};
use podlane_inside::{Failure, Reason};
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, mkdirat, openat,
    readlinkat, symlinkat,
};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

const SKELETON: &[u8] = b"/etc/skel";
/// The most bytes in it, and the most files.
const MAX_BYTES: u64 = 8 << 20;
const MAX_FILES: usize = 10_000;
/// How deep it may go.
const MAX_DEPTH: usize = 32;

/// Everything in it, directories before what is in them.
pub(super) struct Skeleton {
    parts: Vec<Part>,
    bytes: u64,
}

struct Part {
    /// Relative to the home directory.
    path: Vec<u8>,
    mode: u32,
    what: What,
}

enum What {
    Directory,
    File(Vec<u8>),
    Link(CString),
}

impl Skeleton {
    /// Reads it; empty if there is none.
    pub(super) fn read() -> Result<Self, Failed> {
        let mut skeleton = Self {
            parts: Vec::new(),
            bytes: 0,
        };
        if let Some(directory) = walk::existing(SKELETON)? {
            skeleton.add(&directory, &[], 0)?;
        }
        Ok(skeleton)
    }

    fn add(&mut self, directory: &OwnedFd, below: &[u8], depth: usize) -> Result<(), Failed> {
        let wrong = |errno: Errno| failure(&errno.into(), SKELETON);
        for entry in Dir::read_from(directory).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if self.parts.len() == MAX_FILES || depth == MAX_DEPTH {
                return Err(too_much().into());
            }
            let path = if below.is_empty() {
                name.to_vec()
            } else {
                joined(below, name)
            };
            self.add_one(directory, OsStr::from_bytes(name), path, depth)?;
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        at: &OwnedFd,
        name: &OsStr,
        path: Vec<u8>,
        depth: usize,
    ) -> Result<(), Failed> {
        let whole = joined(SKELETON, &path);
        let wrong = |errno: Errno| failure(&errno.into(), &whole);
        let stat = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW).map_err(wrong)?;
        let mode = stat.st_mode & 0o7777;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                let inner = openat(at, name, flags, Mode::empty()).map_err(wrong)?;
                self.push(path.clone(), mode, What::Directory);
                self.add(&inner, &path, depth + 1)?;
            }
            FileType::RegularFile => {
                let Some((found, file)) = seen::open_found(at, name).map_err(wrong)? else {
                    return Err(wrong(Errno::AGAIN).into());
                };
                let content = read_whole(&file, &found, MAX_BYTES - self.bytes, &whole);
                let content = content.map_err(|failed| match failed {
                    Failed::Here(Failure {
                        reason: Reason::Limit(_),
                        ..
                    }) => too_much().into(),
                    other => other,
                })?;
                self.bytes += content.len() as u64;
                self.push(path, mode, What::File(content));
            }
            FileType::Symlink => {
                let target = readlinkat(at, name, Vec::new()).map_err(wrong)?;
                self.push(path, mode, What::Link(target));
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, path: Vec<u8>, mode: u32, what: What) {
        self.parts.push(Part { path, mode, what });
    }

    /// Copies it into a directory in which nobody else can write yet.
    pub(super) fn copy(&self, home: &OwnedFd, uid: u32, gid: u32) -> Result<(), Errno> {
        let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        for part in &self.parts {
            let name = OsStr::from_bytes(&part.path);
            match &part.what {
                What::Directory => mkdirat(home, name, Mode::RWXU)?,
                What::File(content) => {
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                    let mode = Mode::from_raw_mode(part.mode & 0o777);
                    let mut file = File::from(openat(home, name, flags, mode)?);
                    let written = file.write_all(content);
                    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
                    fchown(&file, owner.0, owner.1)?;
                    // There is no umask, but another owner takes set-user-ID and the like away.
                    if part.mode & 0o7000 != 0 {
                        fchmod(&file, Mode::from_raw_mode(part.mode))?;
                    }
                }
                What::Link(target) => {
                    symlinkat(target, home, name)?;
                    chownat(home, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
                }
            }
        }
        // Last, when nothing is made in them any more.
        for part in self.parts.iter().rev() {
            if matches!(part.what, What::Directory) {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                let name = OsStr::from_bytes(&part.path);
                let directory = openat(home, name, flags, Mode::empty())?;
                fchown(&directory, owner.0, owner.1)?;
                fchmod(&directory, Mode::from_raw_mode(part.mode))?;
            }
        }
        Ok(())
    }
}

fn too_much() -> Failure {
    Failure {
        reason: Reason::Limit("8 MiB, 10,000 files or 32 levels".into()),
        path: SKELETON.to_vec(),
    }
}
