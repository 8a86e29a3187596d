//! What is said of files.

use crate::Path;
use serde::{Deserialize, Serialize};

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

/// Something in a file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path: absolute with the symbolic links before it resolved; in lists relative to what is listed.
    pub path: Path,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// Its owner's number, as the container sees it.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// When its content was last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// How many names it has.
    pub links: u64,
    /// What stands in it, if it is a symbolic link.
    pub target: Option<Path>,
}

impl Entry {
    /// Its content's version.
    pub fn version(&self) -> Version {
        Version {
            modified: self.modified,
            size: self.size,
        }
    }
}

/// What tells one content of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// When it was last changed.
    pub modified: (i64, u32),
    /// Its size in bytes.
    pub size: u64,
}

/// What must be at a path for something to be done there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expectation {
    /// Whatever.
    Any,
    /// Nothing.
    Absent,
    /// Something.
    Present,
    /// One of these versions.
    Versions(Vec<Version>),
    /// None of these versions, or nothing.
    NoneOf(Vec<Version>),
}

/// Who is to own what is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// Whoever does it; for the place of something that was there, who owned that, as far as the user may
    /// give it away.
    Keep,
    /// These numbers.
    Numbers {
        /// The user's; `None`: unchanged.
        uid: Option<u32>,
        /// The group's; `None`: unchanged.
        gid: Option<u32>,
    },
    /// A user as the container's settings name it: `name`, `uid`, either with `:group`. Looked up in the
    /// container's passwd and group files; a user without a group has the one that passwd says, else 0.
    Named(String),
}

/// How something is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Who is to own it, and the directories made for it.
    pub owner: Owner,
    /// Whether missing directories above it are made, with 0755.
    pub parents: bool,
    /// What must be there before.
    pub expected: Expectation,
}

/// A shell pattern for a whole path: `*` and `?` match no slash, `**` any number of directories, `[...]` one
/// byte, `{a,b}` either, `\` takes the meaning from what follows. A `!` at the start turns it round.
pub type Pattern = String;

/// The end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listed {
    /// That was all.
    Whole,
    /// There is more behind the last entry.
    More,
}

/// What is changed of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Its permission bits.
    pub mode: Option<u32>,
    /// Its owner.
    pub owner: Option<Owner>,
    /// When its content was last changed.
    pub modified: Option<(i64, u32)>,
    /// Whether a final symbolic link is followed; of a link itself no mode can be changed.
    pub follow: bool,
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many things it was done to.
    pub entries: u64,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The file, relative to what is searched; empty if that is the file.
    pub path: Path,
    /// The line's number, from 1.
    pub line: u64,
    /// The line without its end, cut if it is very long. What is no UTF-8 is replaced.
    pub text: String,
    /// Where in it the first occurrence is; it may lie behind a cut.
    pub occurrence: Occurrence,
}

/// Where in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The first byte, from 0.
    pub start: u32,
    /// Behind the last one.
    pub end: u32,
}

/// The end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How many files were searched.
    pub files: u64,
    /// How many were not, or not to their end: too large, unreadable, binary.
    pub skipped: u64,
    /// Whether there is more behind the last match.
    pub more: bool,
}

/// Something packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its path, relative and without `.` and `..`; empty for what was packed itself.
    pub path: Path,
    /// What it is. Of anything but a file, a directory or a symbolic link no more than that is told, and
    /// it is not unpacked: [`Reason::Special`](crate::Reason::Special).
    pub kind: Kind,
    /// The content that follows, in bytes; 0 unless it is a file.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner; `None`: as the work says.
    pub owner: Option<(u32, u32)>,
    /// When its content was last changed; `None`: now.
    pub modified: Option<(i64, u32)>,
    /// What stands in a symbolic link; of a file, the path of an item before it, below the same packed one,
    /// that is the same file. Then there is no content.
    pub target: Option<Path>,
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// How many files, links and directories.
    pub entries: u64,
    /// The content of all files, in bytes.
    pub bytes: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What happened.
    pub what: Watched,
    /// To what, relative to what is watched; empty for that itself.
    pub path: Path,
    /// What it is, or was, as far as is known.
    pub kind: Option<Kind>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// It came to be.
    Created,
    /// Its content was changed and is complete for now: whoever wrote it has closed it, or a work of ours
    /// has put it there whole.
    Written,
    /// Its mode, owner or times were changed.
    Changed,
    /// It is gone.
    Removed,
    /// It has another path now; the former one.
    Moved {
        /// Relative as the other.
        from: Path,
    },
    /// So much happened that some of it is not told: everything may have changed.
    Overflow,
    /// What was watched is gone, and with it the watch.
    Gone,
}
