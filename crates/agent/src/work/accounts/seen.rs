//! What there is: the account files, programs, rules for sudo.

use super::super::answer::{Answer, Failed, failure};
use super::{ETC, at, joined, lock, read_whole, walk};
use podlane_inside::{
    AccountFile, AccountFileFound, AccountsSeen, MAX_ACCOUNT_FILE, SUDO_DIRECTORY, SUDO_PREFIX,
    blocks,
};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most bytes of a rule for sudo.
const MAX_RULE: u64 = 4096;

/// Files as they were when they were read.
pub(super) type Versions = HashMap<AccountFile, Stat>;

/// Tells the server what there is.
pub(super) fn tell(
    answer: &mut Answer,
    etc: Option<&OwnedFd>,
    programs: &[Vec<u8>],
) -> Result<Versions, Failed> {
    let mut versions = Versions::new();
    for file in AccountFile::ALL {
        let found = match etc {
            Some(etc) => read(etc, file)?,
            None => None,
        };
        let there = found.is_some();
        answer.record(&AccountFileFound { file, there })?;
        if let Some((stat, content)) = found {
            versions.insert(file, stat);
            for block in content.chunks(blocks::MAX) {
                answer.content(block)?;
            }
            answer.end()?;
        }
    }
    let is_program = |path: &Vec<u8>| {
        let found = Path::new(OsStr::from_bytes(path)).metadata();
        found.is_ok_and(|found| found.is_file())
    };
    answer.record(&AccountsSeen {
        programs: programs.iter().map(is_program).collect(),
        rules: rules()?,
    })?;
    Ok(versions)
}

fn read(etc: &OwnedFd, file: AccountFile) -> Result<Option<(Stat, Vec<u8>)>, Failed> {
    let name = file.name();
    match open(etc, OsStr::new(name)) {
        Ok(Some((stat, opened))) => {
            let path = joined(ETC, name.as_bytes());
            let content = read_whole(&opened, &stat, MAX_ACCOUNT_FILE, &path)?;
            Ok(Some((stat, content)))
        }
        // What is no file of ours to write may be anything.
        Ok(None) | Err(Errno::LOOP) if file == AccountFile::LoginDefs => Ok(None),
        Ok(None) | Err(Errno::LOOP) => Err(lock::special(name)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(at(ETC, name)(errno)),
    }
}

/// Opens a regular file; `None` if it is something else.
pub(super) fn open(at: &OwnedFd, name: &OsStr) -> Result<Option<(Stat, OwnedFd)>, Errno> {
    // Opening a device may do something.
    if !is_file(&statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        return Ok(None);
    }
    open_found(at, name)
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// The same for what was a regular file just now.
pub(super) fn open_found(at: &OwnedFd, name: &OsStr) -> Result<Option<(Stat, OwnedFd)>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(at, name, flags, Mode::empty())?;
    let stat = fstat(&opened)?;
    Ok(is_file(&stat).then_some((stat, opened)))
}

/// An account's name and the content of its rule.
type Rule = (Vec<u8>, Vec<u8>);

/// Our rules for sudo.
fn rules() -> Result<Vec<Rule>, Failed> {
    let path = SUDO_DIRECTORY.as_bytes();
    let Ok(Some(directory)) = walk::existing(path) else {
        return Ok(Vec::new());
    };
    let wrong = |errno: Errno| failure(&errno.into(), path);
    let mut rules = Vec::new();
    for entry in Dir::read_from(&directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_bytes();
        let Some(account) = name.strip_prefix(SUDO_PREFIX.as_bytes()) else {
            continue;
        };
        // One that we could not have written is not ours.
        if let Ok(Some((stat, file))) = open(&directory, OsStr::from_bytes(name))
            && let Ok(content) = read_whole(&file, &stat, MAX_RULE, &joined(path, name))
        {
            rules.push((account.to_vec(), content));
        }
    }
    Ok(rules)
}
