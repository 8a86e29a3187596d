//! A file that is seen only when it is whole.

use super::answer::{At, Failed};
use super::entry::{entry, mode as mode_of};
use super::input::Input;
use super::note::Note;
use super::owner::Ownership;
use super::resolve::{self, Link, Spot};
use super::temporary::{Temporary, expect};
use podlane_inside::{Entry, Owner, Place};
use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// The permission bits of a file that was not there before.
const DEFAULT_MODE: u32 = 0o644;

pub(super) fn write(
    input: &mut Input,
    note: &Note,
    path: &[u8],
    place: &Place,
    mode: Option<u32>,
) -> Result<Entry, Failed> {
    let owner = Ownership::find(&place.owner)?;
    let mut spot = resolve::spot(path, Link::Followed, place.parents.then_some(owner))?;
    let before = spot.look()?;
    if let Some(before) = &before {
        spot.is_regular(before)?;
    }
    expect(&place.expected, before.as_ref(), &spot.path)?;
    // Writing takes set-user-ID and the like away, as the kernel has it.
    let kept = before.as_ref().map(|before| before.st_mode & 0o777);
    let mode = mode.or(kept).unwrap_or(DEFAULT_MODE) & 0o7777;
    let above = above(&spot);
    let temporary = Temporary::new(&spot.directory, above, note)?;
    let file = create(&spot.directory, temporary.name(), mode).at(&spot.path)?;
    input.content(file.as_fd(), &spot.path)?;
    let former = before.filter(|_| place.owner == Owner::Keep);
    let found = settle(&file, owner, former.as_ref(), mode).at(&spot.path)?;
    // Closed under its temporary name: whoever watches is told of it once.
    drop(file);
    temporary.put(&spot, &place.expected)?;
    spot.keep();
    Ok(entry(spot.path.clone(), &found, None))
}

/// The resolved path of a place's directory, without a slash at its end.
pub(super) fn above(spot: &Spot) -> &[u8] {
    let slash = spot.path.iter().rposition(|byte| *byte == b'/');
    &spot.path[..slash.unwrap_or_default()]
}

/// Makes a new file.
pub(super) fn create(directory: &OwnedFd, name: &[u8], mode: u32) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(mode & 0o777))
}

/// Gives a new file its owner, or that of the file whose place it takes, and its permission bits.
pub(super) fn settle(
    file: &OwnedFd,
    owner: Ownership,
    former: Option<&Stat>,
    mode: u32,
) -> rustix::io::Result<Stat> {
    let found = rustix::fs::fstat(file)?;
    match former {
        Some(former) if !Ownership::of(former).is_of(&found) => keep_owner(file, former)?,
        None if !owner.is_of(&found) => owner.give(file)?,
        _ if mode_of(&found) == mode => return Ok(found),
        _ => {}
    }
    // After the owner: another one takes set-user-ID away.
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    rustix::fs::fstat(file)
}

/// Who may not give files away keeps what is allowed: the group, if it is one of the user's.
fn keep_owner(file: &OwnedFd, former: &Stat) -> rustix::io::Result<()> {
    let former = Ownership::of(former);
    let group = Ownership {
        uid: None,
        ..former
    };
    match former.give(file) {
        Err(Errno::PERM) => match group.give(file) {
            Err(Errno::PERM) => Ok(()),
            given => given,
        },
        given => given,
    }
}
