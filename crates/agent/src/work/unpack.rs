//! Files and trees on their way in. Nothing below the directory is reached through a symbolic link.

use super::answer::{At, Failed};
use super::entry::{kind, times};
use super::input::Input;
use super::kernel;
use super::note::Note;
use super::owner::Ownership;
use super::resolve::{self, Link};
use super::temporary::{Temporary, expect};
use super::write::{create, settle};
use podlane_inside::{Item, Kind, Packed, Path, Place, Reason};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// What a directory is passed through with.
const THROUGH: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

pub(super) fn unpack(
    input: &mut Input,
    note: &Note,
    path: &[u8],
    place: &Place,
) -> Result<Packed, Failed> {
    let owner = Ownership::find(&place.owner)?;
    // With a name behind it, it is made like the directories before it.
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let below = [path, b"/below"].concat();
    let spot = resolve::spot(&below, Link::Itself, place.parents.then_some(owner));
    let mut spot = spot.map_err(|failed| match failed {
        Failed::Here(failure) => Failed::new(failure.reason, path),
        Failed::There => Failed::There,
    })?;
    let found = rustix::fs::fstat(&spot.directory).at(path)?;
    expect(&place.expected, Some(&found), path)?;
    let base = spot.directory.try_clone();
    let base = Rc::new(base.map_err(|_error| Errno::MFILE).at(path)?);
    let whole = spot
        .path
        .strip_suffix(b"/below")
        .unwrap_or_default()
        .to_vec();
    let mut unpack = Unpack {
        input,
        note,
        owner,
        whole,
        last: Vec::new(),
        directories: Vec::new(),
        packed: Packed::default(),
    };
    while let Some(item) = unpack.input.record::<Item>()? {
        unpack.item(&base, &item)?;
    }
    unpack.settle(&base)?;
    spot.keep();
    Ok(unpack.packed)
}

struct Unpack<'a> {
    input: &'a mut Input,
    note: &'a Note,
    owner: Ownership,
    /// The resolved path of the directory.
    whole: Vec<u8>,
    /// The way to the directory that was used last, and what is open of it.
    last: Vec<(Vec<u8>, Rc<OwnedFd>)>,
    /// What is still to be done to the directories among the items: nothing may be kept from coming into
    /// them by their modes, nor change their times afterwards.
    directories: Vec<Item>,
    packed: Packed,
}

/// Splits a path off its last name, if it leads below.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let good = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    if !path.split(|byte| *byte == b'/').all(good) {
        return None;
    }
    Some(match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    })
}

impl Unpack<'_> {
    fn whole(&self, path: &[u8]) -> Path {
        [&self.whole, &b"/"[..], path].concat()
    }

    fn item(&mut self, base: &Rc<OwnedFd>, item: &Item) -> Result<(), Failed> {
        let whole = self.whole(&item.path);
        if item.path.is_empty() && item.kind == Kind::Directory {
            return Ok(());
        }
        let Some((above, name)) = split(&item.path) else {
            let why = "a path is relative and has neither empty names nor . nor ..";
            return Err(Failed::invalid(why, &item.path));
        };
        self.go_to(base, above)?;
        let directory = Rc::clone(self.last.last().map_or(base, |(_, directory)| directory));
        match (item.kind, &item.target) {
            (Kind::Directory, _) => self.directory(&directory, name, item)?,
            (Kind::Symlink, Some(target)) => self.link(&directory, name, item, target)?,
            (Kind::File, Some(first)) => self.again(base, &directory, name, first)?,
            (Kind::File, None) => self.file(&directory, name, item)?,
            (Kind::Symlink, None) => {
                return Err(Failed::invalid("a symbolic link needs a target", &whole));
            }
            _ => return Err(Failed::new(Reason::Special, &whole)),
        }
        self.packed.entries += 1;
        Ok(())
    }

    /// Opens the directory of an item, which is made if it is missing.
    fn go_to(&mut self, base: &Rc<OwnedFd>, above: &[u8]) -> Result<(), Failed> {
        let wanted: Vec<&[u8]> = if above.is_empty() {
            Vec::new()
        } else {
            above.split(|byte| *byte == b'/').collect()
        };
        let same = self.last.iter().zip(&wanted);
        let same = same
            .take_while(|((name, _), wanted)| name == *wanted)
            .count();
        self.last.truncate(same);
        for name in &wanted[same..] {
            let directory = self.last.last().map_or(base, |(_, directory)| directory);
            let opened = match rustix::fs::openat(directory, *name, THROUGH, Mode::empty()) {
                Err(Errno::NOENT) => make(directory, name, self.owner)
                    .and_then(|()| rustix::fs::openat(directory, *name, THROUGH, Mode::empty())),
                opened => opened,
            };
            let opened = match opened {
                // O_NOFOLLOW's.
                Err(Errno::LOOP) => Err(Errno::NOTDIR),
                opened => opened,
            };
            let whole = self.whole(above);
            let opened = opened.at(&whole)?;
            if self.last.is_empty() {
                kernel::refuse(&opened, &self.whole(name))?;
            }
            self.last.push((name.to_vec(), Rc::new(opened)));
        }
        Ok(())
    }

    fn owner(&self, item: &Item) -> Ownership {
        item.owner.map_or(self.owner, |(uid, gid)| Ownership {
            uid: Some(uid),
            gid: Some(gid),
        })
    }

    fn temporary<'t>(
        note: &'t Note,
        directory: &'t OwnedFd,
        whole: &[u8],
    ) -> Result<Temporary<'t>, Failed> {
        let slash = whole.iter().rposition(|byte| *byte == b'/');
        Temporary::new(directory, &whole[..slash.unwrap_or_default()], note)
    }

    fn file(&mut self, directory: &OwnedFd, name: &[u8], item: &Item) -> Result<(), Failed> {
        let whole = self.whole(&item.path);
        let temporary = Self::temporary(self.note, directory, &whole)?;
        let mode = item.mode & 0o7777;
        let file = create(directory, temporary.name(), mode).at(&whole)?;
        let length = self.input.content(file.as_fd(), &whole)?;
        if length != item.size {
            return Err(Failed::new(Reason::Broken, &whole));
        }
        let owner = self.owner(item);
        if let Some(modified) = item.modified {
            rustix::fs::futimens(&file, &times(modified)).at(&whole)?;
        }
        settle(&file, owner, None, mode).at(&whole)?;
        drop(file);
        temporary.put_at(name).at(&whole)?;
        self.packed.bytes += length;
        Ok(())
    }

    fn link(
        &mut self,
        directory: &OwnedFd,
        name: &[u8],
        item: &Item,
        target: &[u8],
    ) -> Result<(), Failed> {
        let whole = self.whole(&item.path);
        let temporary = Self::temporary(self.note, directory, &whole)?;
        rustix::fs::symlinkat(target, directory, temporary.name()).at(&whole)?;
        let owner = self.owner(item);
        owner.give_name(directory, temporary.name()).at(&whole)?;
        if let Some(modified) = item.modified {
            let itself = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::utimensat(directory, temporary.name(), &times(modified), itself)
                .at(&whole)?;
        }
        temporary.put_at(name).at(&whole)
    }

    /// Another name of a file.
    fn again(
        &mut self,
        base: &OwnedFd,
        directory: &OwnedFd,
        name: &[u8],
        first: &[u8],
    ) -> Result<(), Failed> {
        let whole = self.whole(first);
        let Some((above, first)) = split(first) else {
            return Err(Failed::invalid("it is no item's path", first));
        };
        // Not by way of what may be open of it: that is another item's.
        let mut from = base.try_clone().map_err(|_error| Errno::MFILE).at(&whole)?;
        for name in above
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
        {
            from = rustix::fs::openat(&from, name, THROUGH, Mode::empty()).at(&whole)?;
        }
        let found = rustix::fs::statat(&from, first, AtFlags::SYMLINK_NOFOLLOW).at(&whole)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(Failed::new(Reason::Changed, &whole));
        }
        let temporary = Self::temporary(self.note, directory, &whole)?;
        rustix::fs::linkat(&from, first, directory, temporary.name(), AtFlags::empty())
            .at(&whole)?;
        temporary.put_again(name).at(&whole)
    }

    fn directory(&mut self, directory: &OwnedFd, name: &[u8], item: &Item) -> Result<(), Failed> {
        let whole = self.whole(&item.path);
        match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o700)) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
                if kind(found.at(&whole)?.st_mode) != Kind::Directory {
                    return Err(Failed::new(Reason::NotDirectory, &whole));
                }
            }
            Err(error) => return Err(error).at(&whole),
        }
        self.directories.push(item.clone());
        Ok(())
    }

    /// Gives the directories their owners, modes and times, the innermost first.
    fn settle(&mut self, base: &Rc<OwnedFd>) -> Result<(), Failed> {
        for item in std::mem::take(&mut self.directories).into_iter().rev() {
            self.go_to(base, &item.path)?;
            let Some((_, directory)) = self.last.last() else {
                continue;
            };
            let whole = self.whole(&item.path);
            self.owner(&item).give(directory).at(&whole)?;
            rustix::fs::fchmod(directory, Mode::from_raw_mode(item.mode & 0o7777)).at(&whole)?;
            if let Some(modified) = item.modified {
                rustix::fs::futimens(directory, &times(modified)).at(&whole)?;
            }
        }
        Ok(())
    }
}

fn make(directory: &OwnedFd, name: &[u8], owner: Ownership) -> rustix::io::Result<()> {
    match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => owner.give_name(directory, name),
        // Somebody else was faster.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_paths_below_are_split() {
        assert_eq!(split(b"a"), Some((&b""[..], &b"a"[..])));
        assert_eq!(split(b"a/b/c"), Some((&b"a/b"[..], &b"c"[..])));
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", ".", "a/./b", "a\0b"] {
            assert_eq!(split(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_split_leads_nowhere_else(path in "[a./]{0,12}") {
            if let Some((above, name)) = split(path.as_bytes()) {
                let whole = std::path::Path::new(&path);
                let plain = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(whole.components().all(plain));
                prop_assert!(path.len() == above.len() + name.len() + usize::from(!above.is_empty()));
            }
        }
    }
}
