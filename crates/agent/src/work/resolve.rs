//! From a path to a place: the directory, held open, and a name in it. What is done is done relative to
//! that directory, so that it happens in one place, whoever swaps the path's parts meanwhile.
//!
//! The path is walked name by name and no name is ever followed by the kernel: a symbolic link is read and
//! its text walked. So the links of /proc that lead to other places than they say lead nowhere here, and
//! the resolved path is known without /proc.

use super::answer::{At, Failed};
use super::kernel;
use super::owner::Ownership;
use podlane_inside::Reason;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// The longest path. Source: `path_resolution(7)`, `PATH_MAX` with its end.
const LONGEST: usize = 4095;
/// How many symbolic links are followed. Source: `path_resolution(7)`.
const LINKS: u32 = 40;
/// How often a name is looked at again that was a link and is none any more.
const TRIES: u32 = 100;

/// What a directory is opened with to be passed through.
const THROUGH: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// What a file is opened with so that nothing waits and nothing becomes a controlling terminal.
const CAREFUL: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// What is done with a symbolic link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Followed,
    Itself,
}

impl Link {
    pub(super) fn followed(follow: bool) -> Self {
        if follow { Self::Followed } else { Self::Itself }
    }
}

/// A place in a directory. The directories that were made for it go with it, unless it is kept.
pub(super) struct Spot {
    pub(super) directory: OwnedFd,
    /// `.` for a directory that has no name here: the root.
    pub(super) name: Vec<u8>,
    /// The resolved path.
    pub(super) path: Vec<u8>,
    made: Made,
}

/// Directories that were made, and go unless they are kept.
#[derive(Default)]
struct Made(Vec<(OwnedFd, Vec<u8>)>);

impl Drop for Made {
    fn drop(&mut self) {
        for (directory, name) in self.0.drain(..).rev() {
            // Whatever has come into it meanwhile stays.
            let _ = rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR);
        }
    }
}

impl Spot {
    /// What is there; `None` for nothing.
    pub(super) fn look(&self) -> Result<Option<Stat>, Failed> {
        match rustix::fs::statat(&self.directory, &self.name[..], AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error).at(&self.path),
        }
    }

    /// What must be there.
    pub(super) fn found(&self) -> Result<Stat, Failed> {
        self.look()?
            .ok_or_else(|| Failed::new(Reason::NotFound, &self.path))
    }

    /// Opens what is there, unless it is the kernel's or, meanwhile, a symbolic link.
    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd, Failed> {
        let opened = rustix::fs::openat(
            &self.directory,
            &self.name[..],
            flags | CAREFUL,
            Mode::empty(),
        );
        let opened = match opened {
            Err(Errno::LOOP) => Err(Failed::new(Reason::Changed, &self.path)),
            other => other.at(&self.path),
        }?;
        kernel::refuse(&opened, &self.path)?;
        Ok(opened)
    }

    /// Opens the directory that must be there.
    pub(super) fn open_directory(&self) -> Result<OwnedFd, Failed> {
        self.open(OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens the regular file that must be there.
    pub(super) fn open_file(&self) -> Result<(OwnedFd, Stat), Failed> {
        // A device may notice that it is opened.
        self.is_regular(&self.found()?)?;
        let file = self.open(OFlags::RDONLY)?;
        let found = rustix::fs::fstat(&file).at(&self.path)?;
        self.is_regular(&found)?;
        Ok((file, found))
    }

    pub(super) fn is_regular(&self, found: &Stat) -> Result<(), Failed> {
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(()),
            FileType::Directory => Err(Failed::new(Reason::IsDirectory, &self.path)),
            FileType::Symlink => Err(Failed::new(Reason::Changed, &self.path)),
            _ => Err(Failed::new(Reason::Special, &self.path)),
        }
    }

    /// The directories that were made for it stay.
    pub(super) fn keep(&mut self) {
        self.made.0.clear();
    }
}

/// The names of a path, last one first.
fn backwards(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .filter(|name| !matches!(name, [] | [b'.']))
        .map(<[u8]>::to_vec)
}

pub(super) fn root() -> rustix::io::Result<OwnedFd> {
    rustix::fs::open("/", THROUGH, Mode::empty())
}

/// Finds the place of a path. With `make`, missing directories before it are made and owned so.
pub(super) fn spot(path: &[u8], link: Link, make: Option<Ownership>) -> Result<Spot, Failed> {
    if path.first() != Some(&b'/') || path.contains(&0) {
        return Err(Failed::invalid("a path is absolute and has no NUL", path));
    }
    if path.len() > LONGEST {
        return Err(Failed::new(Reason::TooLong, path));
    }
    let mut walk = Walk {
        whole: path,
        directory: root().at(path)?,
        at: Vec::new(),
        ahead: backwards(path).collect(),
        links: 0,
        tries: 0,
        made: Made::default(),
    };
    let name = walk.last(link, make)?;
    let Walk {
        directory,
        mut at,
        made,
        ..
    } = walk;
    if let Some(name) = &name {
        at.push(b'/');
        at.extend_from_slice(name);
    } else if at.is_empty() {
        at.push(b'/');
    }
    let spot = Spot {
        directory,
        name: name.unwrap_or_else(|| b".".to_vec()),
        path: at,
        made,
    };
    kernel::refuse(&spot.directory, &spot.path)?;
    Ok(spot)
}

struct Walk<'a> {
    whole: &'a [u8],
    directory: OwnedFd,
    /// The resolved path of `directory`; empty for the root.
    at: Vec<u8>,
    ahead: Vec<Vec<u8>>,
    links: u32,
    tries: u32,
    made: Made,
}

impl Walk<'_> {
    /// Goes to the directory of the last name, which it answers; `None` if that is the directory itself.
    fn last(&mut self, link: Link, make: Option<Ownership>) -> Result<Option<Vec<u8>>, Failed> {
        while let Some(name) = self.ahead.pop() {
            if name == b".." {
                self.enter(b"..").at(self.whole)?;
                let parent = self.at.iter().rposition(|byte| *byte == b'/');
                self.at.truncate(parent.unwrap_or_default());
            } else if self.ahead.is_empty() {
                if link == Link::Itself || !self.follow_last(&name)? {
                    return Ok(Some(name));
                }
            } else {
                self.pass(name, make)?;
            }
        }
        Ok(None)
    }

    fn enter(&mut self, name: &[u8]) -> rustix::io::Result<()> {
        self.directory = rustix::fs::openat(&self.directory, name, THROUGH, Mode::empty())?;
        Ok(())
    }

    /// Goes through a name that is not the last one.
    fn pass(&mut self, name: Vec<u8>, make: Option<Ownership>) -> Result<(), Failed> {
        match self.enter(&name) {
            Ok(()) => {
                self.at.push(b'/');
                self.at.extend_from_slice(&name);
                Ok(())
            }
            // O_DIRECTORY makes it the same for links and for whatever else is in the way.
            Err(Errno::NOTDIR | Errno::LOOP) => match self.read(&name) {
                Ok(target) => self.follow(&target),
                Err(Errno::INVAL | Errno::NOENT) if self.try_again(&name) => {
                    self.ahead.push(name);
                    Ok(())
                }
                Err(Errno::INVAL) => Err(Errno::NOTDIR).at(self.whole),
                Err(error) => Err(error).at(self.whole),
            },
            Err(Errno::NOENT) => {
                let Some(owner) = make else {
                    return Err(Errno::NOENT).at(self.whole);
                };
                self.make(&name, owner)?;
                self.ahead.push(name);
                Ok(())
            }
            Err(error) => Err(error).at(self.whole),
        }
    }

    /// Whether what was a link a moment ago is none now, but a directory.
    fn try_again(&mut self, name: &[u8]) -> bool {
        self.tries += 1;
        let found = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW);
        let other = match found {
            Ok(found) => {
                FileType::from_raw_mode(found.st_mode) == FileType::Directory
                    || FileType::from_raw_mode(found.st_mode) == FileType::Symlink
            }
            Err(error) => error == Errno::NOENT,
        };
        other && self.tries < TRIES
    }

    fn make(&mut self, name: &[u8], owner: Ownership) -> Result<(), Failed> {
        kernel::refuse(&self.directory, &self.at)?;
        if self.made.0.len() >= LONGEST / 2 {
            return Err(Failed::new(Reason::Changed, self.whole));
        }
        match rustix::fs::mkdirat(&self.directory, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => {}
            // Somebody else was faster.
            Err(Errno::EXIST) if self.tries < TRIES => {
                self.tries += 1;
                return Ok(());
            }
            Err(error) => return Err(error).at(self.whole),
        }
        let above = self.directory.try_clone();
        let above = above.map_err(|_error| Errno::MFILE).at(self.whole)?;
        self.made.0.push((above, name.to_vec()));
        owner.give_name(&self.directory, name).at(self.whole)
    }

    /// Follows the last name; false if it is no link.
    fn follow_last(&mut self, name: &[u8]) -> Result<bool, Failed> {
        let target = match self.read(name) {
            Ok(target) => target,
            Err(Errno::INVAL | Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error).at(self.whole),
        };
        self.is_trusted(name)?;
        self.follow(&target)?;
        Ok(true)
    }

    /// What the kernel calls protected symlinks: in a directory like /tmp nobody is led by links of others.
    /// Source: proc(5), `/proc/sys/fs/protected_symlinks`.
    fn is_trusted(&self, name: &[u8]) -> Result<(), Failed> {
        let above = rustix::fs::fstat(&self.directory).at(self.whole)?;
        let anybodys = Mode::SVTX | Mode::WOTH;
        if !Mode::from_raw_mode(above.st_mode).contains(anybodys) {
            return Ok(());
        }
        let link = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW);
        let link = link.at(self.whole)?;
        let own = rustix::process::geteuid().as_raw();
        if link.st_uid == own || link.st_uid == above.st_uid {
            Ok(())
        } else {
            Err(Failed::new(Reason::NotPermitted, self.whole))
        }
    }

    fn read(&self, name: &[u8]) -> rustix::io::Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(&self.directory, name, Vec::new())?;
        Ok(target.into_bytes())
    }

    fn follow(&mut self, target: &[u8]) -> Result<(), Failed> {
        self.links += 1;
        if self.links > LINKS {
            return Err(Failed::new(Reason::Circle, self.whole));
        }
        if target.first() == Some(&b'/') {
            self.directory = root().at(self.whole)?;
            self.at.clear();
        }
        self.ahead.extend(backwards(target));
        Ok(())
    }
}
