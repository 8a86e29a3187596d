//! Files and trees on their way out.

use super::answer::{Answer, At, Failed};
use super::entry::{kind, mode, modified, size, target};
use super::limit;
use super::read::send;
use super::resolve::{self, Link};
use super::walk::{Met, Step, Visit, walk};
use podlane_inside::{Item, Kind, Path, Reason};
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

pub(super) fn pack(answer: &mut Answer, paths: &[Path], most: u64) -> Result<(), Failed> {
    let mut pack = Pack {
        answer,
        left: most,
        known: HashMap::new(),
    };
    for path in paths {
        let spot = resolve::spot(path, Link::Followed, None)?;
        let found = spot.found()?;
        pack.known.clear();
        match kind(found.st_mode) {
            Kind::Directory => {
                let directory = spot.open_directory()?;
                pack.item(&[], &spot.path, &found, None)?;
                walk(&directory, &spot.path, &mut pack)?;
            }
            Kind::File => {
                let (file, _) = spot.open_file()?;
                pack.file(&[], &spot.path, &file)?;
            }
            Kind::Symlink => return Err(Failed::new(Reason::Changed, &spot.path)),
            _ => return Err(Failed::new(Reason::Special, &spot.path)),
        }
    }
    pack.answer.end()
}

struct Pack<'a> {
    answer: &'a mut Answer,
    /// How many things more.
    left: u64,
    /// The files with several names that were packed, and the first name of each.
    known: HashMap<(u64, u64), Path>,
}

impl Pack<'_> {
    fn item(
        &mut self,
        path: &[u8],
        whole: &[u8],
        found: &Stat,
        target: Option<Path>,
    ) -> Result<(), Failed> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Err(limit("files and directories to pack", whole)),
        };
        let kind = kind(found.st_mode);
        let content = kind == Kind::File && target.is_none();
        self.answer.record(&Item {
            path: path.to_vec(),
            kind,
            size: if content { size(found) } else { 0 },
            mode: mode(found),
            owner: Some((found.st_uid, found.st_gid)),
            modified: Some(modified(found)),
            target,
        })
    }

    fn file(&mut self, path: &[u8], whole: &[u8], file: &OwnedFd) -> Result<(), Failed> {
        let found = rustix::fs::fstat(file).at(whole)?;
        if kind(found.st_mode) != Kind::File {
            return Err(Failed::new(Reason::Changed, whole));
        }
        let mut first = None;
        if found.st_nlink > 1 {
            let own = (found.st_dev, found.st_ino);
            first = self.known.get(&own).cloned();
            if first.is_none() {
                self.known.insert(own, path.to_vec());
            }
        }
        let again = first.is_some();
        self.item(path, whole, &found, first)?;
        if again {
            return Ok(());
        }
        send(self.answer, file.as_fd(), 0, size(&found), whole)?;
        self.answer.end()
    }
}

impl Visit for Pack<'_> {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        if met.kind == rustix::fs::FileType::RegularFile {
            match met.open(OFlags::RDONLY) {
                Ok(file) => self.file(met.path, met.whole, &file)?,
                // Gone since its name was read.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error).at(met.whole),
            }
            return Ok(Step::Pass);
        }
        let Some(found) = met.look().at(met.whole)? else {
            return Ok(Step::Pass);
        };
        let target = target(met.directory, met.name, &found).at(met.whole)?;
        if kind(found.st_mode) == Kind::File {
            return Err(Failed::new(Reason::Changed, met.whole));
        }
        self.item(met.path, met.whole, &found, target)?;
        Ok(Step::Enter)
    }
}
