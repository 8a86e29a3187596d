//! Things that get another path, or a second one.

use super::answer::{At, Failed};
use super::copy::{Owned, To, copy};
use super::entry::{self, kind};
use super::note::Note;
use super::owner::Ownership;
use super::remove;
use super::resolve::{self, Link, Spot};
use super::temporary::{Temporary, expect, place};
use super::write::above;
use podlane_inside::{Entry, Expectation, Kind, Owner, Place, Reason};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::AsFd;

pub(super) fn move_to(
    note: &Note,
    from: &[u8],
    to: &[u8],
    placed: &Place,
) -> Result<Entry, Failed> {
    let (from, mut to) = both(from, to, placed)?;
    if from.name == b"." {
        return Err(Failed::new(Reason::Busy, &from.path));
    }
    if placed.owner == Owner::Keep {
        return put(note, &from, &mut to, &placed.expected);
    }
    let before = Ownership::of(&from.found()?);
    let owner = Ownership::find(&placed.owner)?;
    owner
        .give_name(&from.directory, &from.name)
        .at(&from.path)?;
    let moved = put(note, &from, &mut to, &placed.expected);
    if moved.is_err() {
        // What has not moved stays whose it was; if it is gone, there is nothing to give back.
        let _ = before.give_name(&from.directory, &from.name);
    }
    moved
}

fn put(note: &Note, from: &Spot, to: &mut Spot, expected: &Expectation) -> Result<Entry, Failed> {
    match place(&from.directory, &from.name, to, expected) {
        Err(failed) if is_elsewhere(&failed) => {
            duplicate(note, from, to, Owned::AsBefore, expected)?;
            to.keep();
            let entry = entry::of(to, &to.found()?)?;
            remove::remove(&from.path, true, &Expectation::Any)?;
            Ok(entry)
        }
        moved => {
            moved?;
            to.keep();
            entry::of(to, &to.found()?)
        }
    }
}

/// Whether something can't be renamed because it is in another file system.
fn is_elsewhere(failed: &Failed) -> bool {
    failed.reason() == Some(&Reason::Other(Errno::XDEV.raw_os_error()))
}

pub(super) fn copy_to(
    note: &Note,
    from: &[u8],
    to: &[u8],
    recursive: bool,
    placed: &Place,
) -> Result<Entry, Failed> {
    let (from, mut to) = both(from, to, placed)?;
    let found = kind(from.found()?.st_mode);
    if found == Kind::Directory && !recursive {
        return Err(Failed::new(Reason::IsDirectory, &from.path));
    }
    let mut owner = Ownership::find(&placed.owner)?;
    if placed.owner == Owner::Keep
        && let Some(former) = to.look()?
        && kind(former.st_mode) == found
    {
        owner = Ownership::of(&former);
    }
    duplicate(note, &from, &to, Owned::By(owner), &placed.expected)?;
    to.keep();
    entry::of(&to, &to.found()?)
}

/// Both places, if something is there and can come here.
fn both(from: &[u8], to: &[u8], placed: &Place) -> Result<(Spot, Spot), Failed> {
    let make = if placed.parents {
        Some(Ownership::find(&placed.owner)?)
    } else {
        None
    };
    let from = resolve::spot(from, Link::Itself, None)?;
    let found = from.found()?;
    if kind(found.st_mode) != Kind::Symlink {
        // The kernel's may be mounted there.
        from.open(OFlags::PATH)?;
    }
    let to = resolve::spot(to, Link::Itself, make)?;
    let below = to.path.strip_prefix(&from.path[..]);
    if from.name == b"." || below.is_some_and(|below| below.first() == Some(&b'/')) {
        let why = "it would come into itself";
        return Err(Failed::invalid(why, &to.path));
    }
    let before = to.look()?;
    expect(&placed.expected, before.as_ref(), &to.path)?;
    if let Some(before) = before {
        let directories = (kind(found.st_mode), kind(before.st_mode));
        match directories {
            (Kind::Directory, Kind::Directory) => {}
            (Kind::Directory, _) => return Err(Failed::new(Reason::NotDirectory, &to.path)),
            (_, Kind::Directory) => return Err(Failed::new(Reason::IsDirectory, &to.path)),
            _ => {}
        }
        if (before.st_dev, before.st_ino) == (found.st_dev, found.st_ino) {
            return Err(Failed::new(Reason::Exists, &to.path));
        }
    }
    Ok((from, to))
}

/// Makes a second one beside its place and puts it there when it is whole.
fn duplicate(
    note: &Note,
    from: &Spot,
    to: &Spot,
    owned: Owned,
    expected: &Expectation,
) -> Result<(), Failed> {
    let temporary = Temporary::new(&to.directory, above(to), note)?;
    let copied = copy(
        from.directory.as_fd(),
        &from.name,
        &from.path,
        To {
            directory: &to.directory,
            name: temporary.name(),
        },
        owned,
    );
    copied.map_err(|failed| match failed {
        // It is not where it comes from that is full.
        Failed::Here(failure) if failure.reason == Reason::NoSpace => {
            Failed::new(Reason::NoSpace, &to.path)
        }
        other => other,
    })?;
    temporary.put(to, expected)
}
