//! What happens at a path.

use super::answer::{Answer, At, Failed};
use super::entry::{self, kind};
use super::limit as over;
use super::resolve::{self, Link};
use super::temporary::is_temporary;
use super::walk::{Met, Step, Visit, walk};
use podlane_inside::{Kind, Path, Seen, Watched};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

/// Room for what happened since the last look.
const EVENTS: usize = 64 << 10;
/// How long the other half of a move is waited for.
const PAIR: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

const WHAT: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::EXCL_UNLINK);

pub(super) fn watch(
    answer: &mut Answer,
    path: &[u8],
    recursive: bool,
    limit: u32,
) -> Result<(), Failed> {
    let spot = resolve::spot(path, Link::Followed, None)?;
    let opened = spot.open(OFlags::PATH)?;
    let found = rustix::fs::fstat(&opened).at(&spot.path)?;
    let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).at(&spot.path)?;
    let mut watch = Watch {
        answer,
        queue,
        directories: BTreeMap::new(),
        recursive,
        left: limit,
        moved: None,
        root: spot.path.clone(),
        only: None,
        fresh: false,
    };
    if kind(found.st_mode) == Kind::Directory {
        watch.add(&opened, &[])?;
        if recursive {
            watch.descend(&[])?;
        }
    } else {
        // Whoever writes it may put another one in its place.
        watch.add(&spot.directory, &[])?;
        watch.only = Some(spot.name.clone());
    }
    // As long as it is open it is not gone.
    drop(opened);
    // Nothing is missed that happens after this has come.
    watch.answer.record(&entry::of(&spot, &found)?)?;
    watch.answer.flush()?;
    watch.follow()
}

/// One event, apart from the buffer that it was read into.
struct Event {
    watch: i32,
    what: ReadFlags,
    pair: u32,
    name: Vec<u8>,
}

/// The first half of a move, until the second comes.
struct Moved {
    pair: u32,
    path: Path,
    kind: Kind,
}

struct Watch<'a> {
    answer: &'a mut Answer,
    queue: OwnedFd,
    /// By the kernel's number for each, the relative path.
    directories: BTreeMap<i32, Path>,
    recursive: bool,
    /// How many more may be watched.
    left: u32,
    moved: Option<Moved>,
    /// The resolved path of what is watched.
    root: Path,
    /// The name of the only file that matters, if that is watched.
    only: Option<Vec<u8>>,
    /// Whether what is met has come to be just now and is told.
    fresh: bool,
}

fn join(directory: &[u8], name: &[u8]) -> Path {
    if directory.is_empty() {
        name.to_vec()
    } else {
        [directory, b"/", name].concat()
    }
}

/// The last name of a path.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn is_within(path: &[u8], directory: &[u8]) -> bool {
    let below = path.strip_prefix(directory);
    below.is_some_and(|below| below.is_empty() || below[0] == b'/')
}

impl Watch<'_> {
    /// Watches what is open.
    fn add(&mut self, opened: &OwnedFd, path: &[u8]) -> Result<(), Failed> {
        let itself = format!("/proc/self/fd/{}", opened.as_raw_fd());
        let number = match add_watch(&self.queue, itself, WHAT) {
            // The user's own limit.
            Err(Errno::NOSPC) => return Err(over("directories to watch", path)),
            added => added.at(path)?,
        };
        if self.directories.insert(number, path.to_vec()).is_none() {
            self.left = match self.left.checked_sub(1) {
                Some(left) => left,
                None => return Err(over("directories to watch", path)),
            };
        }
        Ok(())
    }

    /// Watches the directories below one.
    fn descend(&mut self, path: &[u8]) -> Result<(), Failed> {
        let whole = self.whole(path);
        let directory =
            resolve::spot(&whole, Link::Itself, None).and_then(|spot| spot.open_directory());
        // Gone again, or not the user's to see.
        let Ok(directory) = directory else {
            return Ok(());
        };
        let mut below = Below {
            watch: self,
            path: path.to_vec(),
        };
        walk(&directory, &whole, &mut below)
    }

    fn whole(&self, path: &[u8]) -> Path {
        let root = self.root.strip_suffix(b"/").unwrap_or(&self.root);
        if path.is_empty() {
            self.root.clone()
        } else {
            [root, b"/", path].concat()
        }
    }

    fn tell(&mut self, what: Watched, path: Path, kind: Option<Kind>) -> Result<(), Failed> {
        self.answer.record(&Seen { what, path, kind })
    }

    /// Tells what happens until there is nothing to watch any more.
    fn follow(&mut self) -> Result<(), Failed> {
        loop {
            self.wait()?;
            for event in self.events()? {
                if !self.event(&event)? {
                    self.end_move()?;
                    self.tell(Watched::Gone, Vec::new(), None)?;
                    return self.answer.end();
                }
            }
        }
    }

    /// Waits for events; also for the end of whoever reads this.
    fn wait(&mut self) -> Result<(), Failed> {
        loop {
            self.answer.flush()?;
            let out = Answer::stream();
            let mut wait = [
                PollFd::new(&self.queue, PollFlags::IN),
                PollFd::new(&out, PollFlags::empty()),
            ];
            let patience = self.moved.is_some().then_some(&PAIR);
            let ready = match poll(&mut wait, patience) {
                Err(Errno::INTR) => continue,
                ready => ready.map_err(|_error| Failed::There)?,
            };
            if wait[1]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP)
            {
                return Err(Failed::There);
            }
            if ready > 0 {
                return Ok(());
            }
            // It has left what is watched.
            self.end_move()?;
        }
    }

    fn events(&self) -> Result<Vec<Event>, Failed> {
        let mut buffer = vec![MaybeUninit::uninit(); EVENTS];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => events.push(Event {
                    watch: event.wd(),
                    what: event.events(),
                    pair: event.cookie(),
                    name: event
                        .file_name()
                        .map_or(&[][..], |name| name.to_bytes())
                        .to_vec(),
                }),
                Err(Errno::AGAIN) => return Ok(events),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).at(&self.root),
            }
            if reader.is_buffer_empty() {
                return Ok(events);
            }
        }
    }

    /// Whether there is still something to watch.
    fn event(&mut self, event: &Event) -> Result<bool, Failed> {
        let moved = self.moved.as_ref().map(|moved| moved.pair);
        if !event.what.contains(ReadFlags::MOVED_TO) || moved != Some(event.pair) {
            self.end_move()?;
        }
        if event.what.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.tell(Watched::Overflow, Vec::new(), None)?;
            return Ok(true);
        }
        let Some(directory) = self.directories.get(&event.watch).cloned() else {
            return Ok(true);
        };
        if event.what.contains(ReadFlags::IGNORED) {
            self.directories.remove(&event.watch);
            self.left += 1;
            return Ok(!directory.is_empty());
        }
        let is_root = directory.is_empty() && event.name.is_empty();
        if event
            .what
            .intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF)
        {
            return Ok(!is_root);
        }
        // A directory below tells its own news twice: here and to the one that it is in.
        if event.name.is_empty() && !directory.is_empty() {
            return Ok(true);
        }
        if let Some(only) = &self.only {
            return Ok(event.name != *only || self.only_file(event.what)?);
        }
        // What is made beside its place is told of once it is there.
        if is_temporary(&event.name) && !event.what.contains(ReadFlags::MOVED_FROM) {
            return Ok(true);
        }
        let path = join(&directory, &event.name);
        let seen = if event.what.contains(ReadFlags::ISDIR) {
            Kind::Directory
        } else {
            self.kind_of(&path)
        };
        self.happened(event, path, seen)?;
        Ok(true)
    }

    /// Whether the only file that matters is still there.
    fn only_file(&mut self, what: ReadFlags) -> Result<bool, Failed> {
        let seen = if what.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
            return Ok(false);
        } else if what.contains(ReadFlags::ATTRIB) {
            Watched::Changed
        } else {
            Watched::Written
        };
        self.tell(seen, Vec::new(), Some(Kind::File))?;
        Ok(true)
    }

    fn happened(&mut self, event: &Event, path: Path, seen: Kind) -> Result<(), Failed> {
        let what = event.what;
        if what.contains(ReadFlags::MOVED_FROM) {
            self.moved = Some(Moved {
                pair: event.pair,
                path,
                kind: seen,
            });
            return Ok(());
        }
        if what.contains(ReadFlags::MOVED_TO) {
            return match self.moved.take() {
                Some(moved) if is_temporary(name(&moved.path)) => match seen {
                    Kind::File => self.tell(Watched::Written, path, Some(seen)),
                    _ => self.came(&path, seen),
                },
                Some(moved) => {
                    self.rename(&moved.path, &path);
                    let from = moved.path;
                    self.tell(Watched::Moved { from }, path, Some(seen))
                }
                None => self.came(&path, seen),
            };
        }
        if what.contains(ReadFlags::CREATE) {
            self.came(&path, seen)
        } else if what.contains(ReadFlags::CLOSE_WRITE) {
            self.tell(Watched::Written, path, Some(seen))
        } else if what.contains(ReadFlags::DELETE) {
            let kind = what.contains(ReadFlags::ISDIR).then_some(Kind::Directory);
            self.tell(Watched::Removed, path, kind)
        } else if what.contains(ReadFlags::ATTRIB) {
            self.tell(Watched::Changed, path, Some(seen))
        } else {
            Ok(())
        }
    }

    /// What is at a relative path now.
    fn kind_of(&self, path: &[u8]) -> Kind {
        let found = resolve::spot(&self.whole(path), Link::Itself, None);
        let found = found.and_then(|spot| spot.found());
        found.map_or(Kind::File, |found| kind(found.st_mode))
    }

    /// Something has come to be; what is in it may have come before it was watched.
    fn came(&mut self, path: &[u8], seen: Kind) -> Result<(), Failed> {
        // Found already, while what is above it was gone through.
        if seen == Kind::Directory && self.directories.values().any(|known| known == path) {
            return Ok(());
        }
        self.tell(Watched::Created, path.to_vec(), Some(seen))?;
        if !self.recursive || seen != Kind::Directory {
            return Ok(());
        }
        let opened = resolve::spot(&self.whole(path), Link::Itself, None)
            .and_then(|spot| spot.open_directory());
        let Ok(opened) = opened else {
            return Ok(());
        };
        self.add(&opened, path)?;
        self.fresh = true;
        let descended = self.descend(path);
        self.fresh = false;
        descended
    }

    /// The directories below what was moved are elsewhere now.
    fn rename(&mut self, from: &[u8], to: &[u8]) {
        for path in self.directories.values_mut() {
            if is_within(path, from) && !path.is_empty() {
                *path = [to, &path[from.len()..]].concat();
            }
        }
    }

    /// What was moved away and did not come back is gone, with what was watched of it.
    fn end_move(&mut self) -> Result<(), Failed> {
        let Some(moved) = self.moved.take() else {
            return Ok(());
        };
        let queue = &self.queue;
        let before = self.directories.len();
        self.directories.retain(|number, path| {
            let gone = is_within(path, &moved.path) && !path.is_empty();
            if gone {
                let _ = remove_watch(queue, *number);
            }
            !gone
        });
        if is_temporary(name(&moved.path)) {
            return Ok(());
        }
        self.left += u32::try_from(before - self.directories.len()).unwrap_or_default();
        self.tell(Watched::Removed, moved.path, Some(moved.kind))
    }
}

/// The directories below one, on their way to be watched.
struct Below<'a, 'b> {
    watch: &'a mut Watch<'b>,
    path: Path,
}

impl Visit for Below<'_, '_> {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        let path = join(&self.path, met.path);
        if self.watch.fresh {
            let found = met.look().at(met.whole)?;
            let seen = found.map(|found| kind(found.st_mode));
            self.watch.tell(Watched::Created, path.clone(), seen)?;
        }
        if met.kind != FileType::Directory {
            return Ok(Step::Pass);
        }
        match met.open(OFlags::PATH | OFlags::DIRECTORY) {
            Ok(opened) if super::kernel::has(&opened).at(met.whole)? => return Ok(Step::Pass),
            Ok(opened) => self.watch.add(&opened, &path)?,
            Err(_) => return Ok(Step::Pass),
        }
        Ok(Step::Enter)
    }

    fn barred(&mut self, _met: &Met<'_>, _error: Errno) -> Result<(), Failed> {
        Ok(())
    }
}
