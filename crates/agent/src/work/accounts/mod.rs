//! The accounts of the container: read under the lock of those who change them, changed as the server says.

mod change;
mod home;
mod keys;
mod lock;
mod seen;
mod skeleton;
mod undo;
mod walk;

use super::Job;
use super::answer::{Failed, failure};
use super::input::Input;
use lock::Lock;
use podlane_inside::{AccountStep, AccountsChanged, Failure, MAX_ACCOUNT_FILE, Reason};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Stat, unlinkat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::time::Duration;

const ETC: &[u8] = b"/etc";

/// Answers what there is; with `wait` takes what is to be changed and does that.
pub(super) fn accounts(
    job: &mut Job<'_>,
    programs: &[Vec<u8>],
    wait: Option<u32>,
) -> Result<(), Failed> {
    let Job { input, answer, .. } = job;
    let Some(wait) = wait else {
        seen::tell(answer, walk::existing(ETC)?.as_deref(), programs)?;
        return answer.end();
    };
    let etc = walk::directory(ETC, 0o755, &mut undo::Undo::none())?;
    let lock = Lock::take(&etc, Duration::from_millis(wait.into()))?;
    let versions = seen::tell(answer, Some(&etc), programs)?;
    answer.flush()?;
    let steps = steps(input)?;
    let changed = if steps.is_empty() {
        AccountsChanged::default()
    } else {
        change::perform(&etc, &versions, steps)?
    };
    drop(lock);
    answer.only(&changed)
}

/// A step with the content that belongs to it.
struct Step {
    step: AccountStep,
    content: Vec<u8>,
}

/// Takes all steps before the first is done: who breaks off has changed nothing.
fn steps(input: &mut Input) -> Result<Vec<Step>, Failed> {
    let mut steps = Vec::new();
    while let Some(step) = input.record()? {
        let mut content = Vec::new();
        if matches!(step, AccountStep::File(_)) {
            content = self::content(input)?;
        }
        steps.push(Step { step, content });
    }
    Ok(steps)
}

fn content(input: &mut Input) -> Result<Vec<u8>, Failed> {
    let mut content = Vec::new();
    loop {
        let length = input.header()?;
        if length == 0 {
            return Ok(content);
        }
        let start = content.len();
        content.resize(start + length, 0);
        input.exactly(&mut content[start..])?;
        if content.len() as u64 > MAX_ACCOUNT_FILE {
            return Err(too_large(&[]).into());
        }
    }
}

fn too_large(path: &[u8]) -> Failure {
    Failure {
        reason: Reason::Limit(format!("{} MiB", MAX_ACCOUNT_FILE >> 20)),
        path: path.to_vec(),
    }
}

/// Makes something. What has its name is of one that was killed, and goes.
fn instead<T>(
    directory: &OwnedFd,
    name: &str,
    create: impl Fn() -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    match create() {
        Err(Errno::EXIST) => {
            unlinkat(directory, name, AtFlags::empty())?;
            create()
        }
        made => made,
    }
}

/// What an error means for something in a directory.
fn at(directory: &[u8], name: &str) -> impl Fn(Errno) -> Failed {
    let path = joined(directory, name.as_bytes());
    move |errno| Failed::Here(failure(&errno.into(), &path))
}

fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let directory = directory.strip_suffix(b"/").unwrap_or(directory);
    [directory, b"/", name].concat()
}

/// Reads a file that must not have more than `limit` bytes, in one piece where it has the size that it says.
fn read_whole(file: &OwnedFd, found: &Stat, limit: u64, path: &[u8]) -> Result<Vec<u8>, Failed> {
    let size = u64::try_from(found.st_size).unwrap_or_default();
    let mut content = Vec::new();
    let mut room = usize::try_from(size.min(limit)).unwrap_or_default() + 1;
    while content.len() as u64 <= limit {
        content.reserve(room);
        match rustix::io::read(file, spare_capacity(&mut content)) {
            Ok(0) => return Ok(content),
            Ok(_) | Err(Errno::INTR) => room = 1,
            Err(errno) => return Err(failure(&errno.into(), path).into()),
        }
    }
    Err(too_large(path).into())
}
