//! What is made beside its place, under a name of its own until it is whole.

use super::answer::{At, Failed};
use super::entry::version;
use super::note::Note;
use super::remove;
use super::resolve::Spot;
use podlane_inside::{Expectation, Reason};
use rustix::fs::{FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How temporary names begin; 16 digits follow.
const PREFIX: &[u8] = b".podlane-";
const DIGITS: usize = 16;
/// How often, and how long apart, is looked whether another agent is done in a directory.
const TRIES: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(2);

/// Whether it is a name of the kind that is made here.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

/// A name in a directory. Whatever has it goes with this, unless it was put in its place.
pub(super) struct Temporary<'a> {
    directory: &'a OwnedFd,
    name: Vec<u8>,
    note: &'a Note,
    placed: bool,
}

impl<'a> Temporary<'a> {
    /// A name that nothing has, in a directory of that resolved path.
    pub(super) fn new(directory: &'a OwnedFd, path: &[u8], note: &'a Note) -> Result<Self, Failed> {
        let mut random = [0; DIGITS / 2];
        getrandom(&mut random, GetRandomFlags::empty()).at(path)?;
        let number = u64::from_ne_bytes(random);
        let name = [PREFIX, format!("{number:016x}").as_bytes()].concat();
        note.set(&[path, b"/", &name].concat());
        Ok(Self {
            directory,
            name,
            note,
            placed: false,
        })
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Gives what is whole its place, if what is there now is as expected.
    pub(super) fn put(mut self, spot: &Spot, expected: &Expectation) -> Result<(), Failed> {
        place(self.directory, &self.name, spot, expected)?;
        self.placed = true;
        Ok(())
    }

    /// Gives what has no other name one in its own directory; what has that name is replaced.
    pub(super) fn put_at(mut self, name: &[u8]) -> rustix::io::Result<()> {
        self.rename(name)?;
        self.placed = true;
        Ok(())
    }

    /// The same for what may have that very name already. Renaming does nothing then, so the temporary
    /// name is looked for afterwards.
    pub(super) fn put_again(self, name: &[u8]) -> rustix::io::Result<()> {
        self.rename(name)
    }

    fn rename(&self, name: &[u8]) -> rustix::io::Result<()> {
        rustix::fs::renameat(self.directory, &self.name[..], self.directory, name)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.placed {
            let _ = remove::whatever(self.directory, &self.name);
        }
        self.note.clear();
    }
}

/// Gives what has a name a place, if what is there now is as expected.
pub(super) fn place(
    directory: &OwnedFd,
    name: &[u8],
    spot: &Spot,
    expected: &Expectation,
) -> Result<(), Failed> {
    let to = &spot.name[..];
    if *expected == Expectation::Absent {
        expect(expected, spot.look()?.as_ref(), &spot.path)?;
        let flags = RenameFlags::NOREPLACE;
        let placed = rustix::fs::renameat_with(directory, name, &spot.directory, to, flags);
        // Not every file system can do it at once.
        if !matches!(placed, Err(Errno::INVAL | Errno::NOSYS)) {
            return placed.at(&spot.path);
        }
    }
    let _alone = match expected {
        Expectation::Any => None,
        expected => {
            let alone = alone(spot)?;
            expect(expected, spot.look()?.as_ref(), &spot.path)?;
            alone
        }
    };
    rustix::fs::renameat(directory, name, &spot.directory, to).at(&spot.path)
}

/// Lets one agent at a time compare and replace what is in a directory, whoever's agents they are. `None` where it
/// can't be locked: a directory that the user may not read, a file system that knows no locks.
pub(super) fn alone(spot: &Spot) -> Result<Option<OwnedFd>, Failed> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = rustix::fs::openat(&spot.directory, ".", flags, Mode::empty()) else {
        return Ok(None);
    };
    for _ in 0..TRIES {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(directory)),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(Errno::INTR) => {}
            Err(_) => return Ok(None),
        }
    }
    // A command in the container may hold it for as long as it likes.
    Err(Failed::new(Reason::Busy, &spot.path))
}

/// Checks what is there.
pub(super) fn expect(
    expected: &Expectation,
    found: Option<&Stat>,
    path: &[u8],
) -> Result<(), Failed> {
    let is = |versions: &[_]| found.is_some_and(|found| versions.contains(&version(found)));
    let wrong = match expected {
        Expectation::Any => false,
        Expectation::Absent => {
            return match found {
                Some(_) => Err(Failed::new(Reason::Exists, path)),
                None => Ok(()),
            };
        }
        Expectation::Present => found.is_none(),
        Expectation::Versions(versions) => !is(versions),
        Expectation::NoneOf(versions) => is(versions),
    };
    if wrong {
        return Err(Failed::new(Reason::Changed, path));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_told_from_others() {
        assert!(is_temporary(b".podlane-0123456789abcdef"));
        for other in [
            &b".podlane-"[..],
            b".podlane-0123456789abcdeg",
            b".podlane-0123456789abcdef0",
            b"podlane-0123456789abcdef",
            b".podlane-agent-0123456789abcdef",
        ] {
            assert!(!is_temporary(other));
        }
    }
}
