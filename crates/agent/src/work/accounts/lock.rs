//! The lock of those who change accounts: that of lckpwdf(3), and beside each file the one of shadow-utils.
//!
//! shadow-utils takes the first, a record lock on /etc/.pwd.lock, and then `passwd.lock` and the like: second
//! names of a file that holds a process number. One whose process has gone is stale. musl's lckpwdf(3) locks
//! nothing, so there the second kind is all there is.
//!
//! In a container that is started anew the same few numbers are soon other processes'. So ours also say, behind
//! the NUL that others read up to, when their process started.

use super::super::answer::Failed;
use super::{ETC, at, instead, joined, read_whole};
use podlane_inside::{AccountFile, Failure, Reason};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, fcntl_lock, fstat, linkat, openat, unlinkat,
};
use rustix::io::{Errno, write};
use rustix::process::{Pid, getpid, test_kill_process};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const RECORD_LOCK: &str = ".pwd.lock";
const FILES: [AccountFile; 6] = [
    AccountFile::Passwd,
    AccountFile::Group,
    AccountFile::Shadow,
    AccountFile::Gshadow,
    AccountFile::Subuid,
    AccountFile::Subgid,
];
/// As much of a process's state as its start is in.
const MAX_STAT: u64 = 4096;
/// How often is looked whether another one has let go.
const PAUSE: Duration = Duration::from_millis(2);

/// Held until dropped.
pub(super) struct Lock<'a> {
    etc: &'a OwnedFd,
    files: Vec<String>,
    _record: OwnedFd,
}

impl<'a> Lock<'a> {
    /// Takes it, and waits for it so long.
    pub(super) fn take(etc: &'a OwnedFd, wait: Duration) -> Result<Self, Failed> {
        let until = Instant::now() + wait;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let record = openat(etc, RECORD_LOCK, flags, Mode::RUSR | Mode::WUSR);
        let record = record.map_err(at(ETC, RECORD_LOCK))?;
        let found = fstat(&record).map_err(at(ETC, RECORD_LOCK))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(special(RECORD_LOCK));
        }
        loop {
            match fcntl_lock(&record, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::AGAIN | Errno::ACCESS) => pause(until, RECORD_LOCK)?,
                Err(errno) => return Err(at(ETC, RECORD_LOCK)(errno)),
            }
        }
        let mut lock = Self {
            etc,
            files: Vec::new(),
            _record: record,
        };
        lock.take_files(until)?;
        Ok(lock)
    }

    fn take_files(&mut self, until: Instant) -> Result<(), Failed> {
        let own = getpid();
        let started = started(own).unwrap_or_default();
        let own = own.as_raw_nonzero().to_string();
        let beside = format!("passwd.{own}");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let create = || openat(self.etc, &beside, flags, Mode::RUSR | Mode::WUSR);
        let file = instead(self.etc, &beside, create).map_err(at(ETC, &beside))?;
        let taken = write(&file, format!("{own}\0{started}").as_bytes())
            .map_err(at(ETC, &beside))
            .and_then(|_| {
                FILES.iter().try_for_each(|file| {
                    let name = format!("{}.lock", file.name());
                    self.take_file(&beside, &name, until)?;
                    self.files.push(name);
                    Ok(())
                })
            });
        let _ = unlinkat(self.etc, &beside, AtFlags::empty());
        taken
    }

    fn take_file(&self, beside: &str, name: &str, until: Instant) -> Result<(), Failed> {
        loop {
            match linkat(self.etc, beside, self.etc, name, AtFlags::empty()) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(at(ETC, name)(errno)),
            }
            if self.is_held(name)? {
                pause(until, name)?;
            } else {
                match unlinkat(self.etc, name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(errno) => return Err(at(ETC, name)(errno)),
                }
            }
        }
    }

    /// Whether the process lives that a lock file names.
    fn is_held(&self, name: &str) -> Result<bool, Failed> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(self.etc, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::LOOP) => return Err(special(name)),
            Err(errno) => return Err(at(ETC, name)(errno)),
        };
        let found = fstat(&file).map_err(at(ETC, name))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(special(name));
        }
        let content = read_whole(&file, &found, 64, &joined(ETC, name.as_bytes()))?;
        let text = String::from_utf8_lossy(&content);
        let (number, since) = text.split_once('\0').unwrap_or((&text, ""));
        let digits = number.split(|digit: char| !digit.is_ascii_digit()).next();
        let number = digits.and_then(|digits| digits.parse().ok());
        // What names no process was never finished, or is nobody's.
        let Some(pid) = number.and_then(Pid::from_raw) else {
            return Ok(false);
        };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            return Ok(false);
        }
        Ok(since.is_empty() || started(pid).is_none_or(|started| started == since))
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        for name in &self.files {
            let _ = unlinkat(self.etc, name, AtFlags::empty());
        }
    }
}

/// When a process started, in clock ticks since boot. Source: proc(5), field 22 of /proc/pid/stat.
fn started(process: Pid) -> Option<String> {
    let mut stat = Vec::new();
    let file = File::open(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    file.take(MAX_STAT).read_to_end(&mut stat).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The second field is a name in parentheses and may hold anything, also parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().nth(19)?.to_owned())
}

fn pause(until: Instant, name: &str) -> Result<(), Failed> {
    if Instant::now() >= until {
        return Err(Failed::Here(Failure {
            reason: Reason::Busy,
            path: joined(ETC, name.as_bytes()),
        }));
    }
    std::thread::sleep(PAUSE);
    Ok(())
}

pub(super) fn special(name: &str) -> Failed {
    Failed::Here(Failure {
        reason: Reason::Special,
        path: joined(ETC, name.as_bytes()),
    })
}
