//! Directories and symbolic links.

use super::answer::{At, Failed};
use super::entry;
use super::note::Note;
use super::owner::Ownership;
use super::resolve::{self, Link};
use super::temporary::{Temporary, expect};
use super::write::above;
use podlane_inside::{Entry, Expectation, Kind, Owner, Place, Reason};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The permission bits of a directory, unless others are asked for.
const DEFAULT_MODE: u32 = 0o755;

pub(super) fn directory(path: &[u8], place: &Place, mode: Option<u32>) -> Result<Entry, Failed> {
    let owner = Ownership::find(&place.owner)?;
    let mut spot = resolve::spot(path, Link::Followed, place.parents.then_some(owner))?;
    let mode = Mode::from_raw_mode(mode.unwrap_or(DEFAULT_MODE) & 0o7777);
    let before = spot.look()?;
    expect(&place.expected, before.as_ref(), &spot.path)?;
    if let Some(before) = &before {
        if place.parents && entry::kind(before.st_mode) == Kind::Directory {
            return entry::of(&spot, before);
        }
        return Err(Failed::new(Reason::Exists, &spot.path));
    }
    match rustix::fs::mkdirat(&spot.directory, &spot.name[..], mode) {
        // Somebody else was faster.
        Err(Errno::EXIST) if place.parents && place.expected == Expectation::Any => {}
        done => {
            done.at(&spot.path)?;
            let opened = spot.open(OFlags::RDONLY | OFlags::DIRECTORY);
            // Without the right to read it, it is its owner's as it is.
            if let Ok(made) = opened {
                let settled = owner
                    .give(&made)
                    .and_then(|()| rustix::fs::fchmod(&made, mode));
                if let Err(error) = settled {
                    let flags = rustix::fs::AtFlags::REMOVEDIR;
                    let _ = rustix::fs::unlinkat(&spot.directory, &spot.name[..], flags);
                    return Err(error).at(&spot.path);
                }
            }
        }
    }
    spot.keep();
    entry::of(&spot, &spot.found()?)
}

pub(super) fn link(
    note: &Note,
    path: &[u8],
    target: &[u8],
    place: &Place,
) -> Result<Entry, Failed> {
    let owner = Ownership::find(&place.owner)?;
    let mut spot = resolve::spot(path, Link::Itself, place.parents.then_some(owner))?;
    let before = spot.look()?;
    expect(&place.expected, before.as_ref(), &spot.path)?;
    let owner = match &before {
        Some(before) if place.owner == Owner::Keep => Ownership::of(before),
        _ => owner,
    };
    let temporary = Temporary::new(&spot.directory, above(&spot), note)?;
    rustix::fs::symlinkat(target, &spot.directory, temporary.name()).at(&spot.path)?;
    owner
        .give_name(&spot.directory, temporary.name())
        .at(&spot.path)?;
    temporary.put(&spot, &place.expected)?;
    spot.keep();
    entry::of(&spot, &spot.found()?)
}
