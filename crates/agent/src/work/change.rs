//! Other permission bits, owners and times.

use super::answer::{At, Failed};
use super::entry::{kind, times};
use super::owner::Ownership;
use super::resolve::{self, Link};
use super::walk::{Met, Step, Visit, walk};
use podlane_inside::{Changes, Kind, Summary};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};

pub(super) fn change(path: &[u8], changes: &Changes, recursive: bool) -> Result<Summary, Failed> {
    let owner = match &changes.owner {
        Some(owner) => Ownership::find(owner)?,
        None => Ownership::default(),
    };
    let link = Link::followed(changes.follow && !recursive);
    let spot = resolve::spot(path, link, None)?;
    let mut change = Change {
        owner,
        mode: changes.mode.map(|mode| Mode::from_raw_mode(mode & 0o7777)),
        modified: changes.modified,
        entries: 0,
    };
    let found = kind(spot.found()?.st_mode);
    if found == Kind::Symlink && changes.mode.is_some() && !recursive {
        let why = "a symbolic link has no permission bits of its own";
        return Err(Failed::invalid(why, &spot.path));
    }
    let opened = spot.open(OFlags::PATH)?;
    // Opened before it may be closed to the user.
    let content = if recursive && found == Kind::Directory {
        Some(spot.open_directory()?)
    } else {
        None
    };
    change.one(&opened).at(&spot.path)?;
    if let Some(content) = content {
        walk(&content, &spot.path, &mut change)?;
    }
    Ok(Summary {
        entries: change.entries,
    })
}

struct Change {
    owner: Ownership,
    mode: Option<Mode>,
    modified: Option<(i64, u32)>,
    entries: u64,
}

impl Change {
    /// Changes what is open, which no name can be made to mean another thing for.
    fn one(&mut self, opened: &OwnedFd) -> rustix::io::Result<()> {
        let link = kind(rustix::fs::fstat(opened)?.st_mode) == Kind::Symlink;
        self.owner.give(opened)?;
        let itself = format!("/proc/self/fd/{}", opened.as_raw_fd());
        // After the owner: another one takes set-user-ID away.
        if let Some(mode) = self.mode
            && !link
        {
            rustix::fs::chmodat(CWD, &itself, mode, AtFlags::empty())?;
        }
        if let Some(modified) = self.modified {
            let times = times(modified);
            if link {
                rustix::fs::utimensat(opened, "", &times, AtFlags::EMPTY_PATH)?;
            } else {
                rustix::fs::utimensat(CWD, &itself, &times, AtFlags::empty())?;
            }
        }
        self.entries += 1;
        Ok(())
    }

    fn met(&mut self, met: &Met<'_>) -> Result<(), Failed> {
        match met.open(OFlags::PATH) {
            Ok(opened) => self.one(&opened).at(met.whole),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).at(met.whole),
        }
    }
}

impl Visit for Change {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        if met.kind == rustix::fs::FileType::Directory {
            return Ok(Step::Enter);
        }
        self.met(met)?;
        Ok(Step::Pass)
    }

    /// A directory comes after what is in it: its new mode may close it to the user.
    fn leave(&mut self, met: &Met<'_>) -> Result<(), Failed> {
        self.met(met)
    }
}
