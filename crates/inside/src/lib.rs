//! What is done in a container without a program of it: the works that an agent is given, what it answers
//! and how both are written.
//!
//! A work is done by a process of its own, as the user that the agent is, with two streams. What it reads
//! and what it writes are blocks ([`blocks`]). It answers with what the work says and ends with an empty
//! block; or with a [`Failure`], at any point. What it is given ends with an empty block too: a stream that
//! breaks off before that has been given up, and nothing of the work may be seen afterwards.
//!
//! What is the kernel's is left alone: a path that ends in /proc, /sys or /dev (but for /dev/shm), or in a
//! file system of the kernel's own wherever that is mounted, is [`Reason::Kernel`]. Where a whole tree is
//! gone through, such directories are met, but not entered.

#![forbid(unsafe_code)]

mod accounts;
pub mod blocks;
mod failure;
mod files;

pub use accounts::{
    AccountFile, AccountFileFound, AccountHome, AccountStep, AccountsChanged, AccountsSeen,
    MAX_ACCOUNT_FILE, SUDO_DIRECTORY, SUDO_PREFIX,
};
pub use failure::{Failure, Reason};
pub use files::{
    Changes, Entry, Expectation, Found, Item, Kind, Listed, Match, Occurrence, Owner, Packed,
    Pattern, Place, Seen, Summary, Version, Watched,
};

use serde::{Deserialize, Serialize};

/// A path or a name: bytes, as Linux has them. Absolute unless it says otherwise.
pub type Path = Vec<u8>;

/// A work.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// What is at a path. Answers an [`Entry`].
    Stat {
        /// Where.
        path: Path,
        /// Whether a final symbolic link is followed.
        follow: bool,
    },
    /// A regular file's content. Answers its [`Entry`], then the content as blocks; [`Reason::Changed`] if
    /// the file becomes shorter than its entry said.
    Read {
        /// Where; symbolic links are followed.
        path: Path,
        /// The first byte.
        offset: u64,
        /// How many bytes, at most; `None` for all.
        length: Option<u64>,
    },
    /// A regular file made of the blocks that come, seen only when it is whole. Answers the
    /// [`Entry`] when it has its name.
    Write {
        /// Where; symbolic links are followed.
        path: Path,
        /// How it is made.
        place: Place,
        /// The permission bits; `None` for those of the file whose place it takes, else 0644.
        mode: Option<u32>,
    },
    /// What is in a directory, and below it, each directory before what is in it and else in the order of
    /// names' bytes. Answers an [`Entry`] for each, an empty block, and [`Listed`]. A directory below it that
    /// the user can't read is there without its content.
    List {
        /// The directory.
        path: Path,
        /// How far below: 1 for what is in it.
        depth: u32,
        /// A shell pattern that paths below `path` must fit; `None` for all.
        pattern: Option<Pattern>,
        /// Only what comes after this path, relative to `path`, in the order of the list.
        after: Option<Path>,
        /// How many entries, at most.
        limit: u32,
    },
    /// A directory. Answers its [`Entry`]; that there is one already is no failure with `place.parents`, and
    /// changes nothing.
    MakeDirectory {
        /// Where.
        path: Path,
        /// How it is made.
        place: Place,
        /// Its permission bits; `None` for 0755.
        mode: Option<u32>,
    },
    /// A symbolic link, in place of anything but a directory. Answers its [`Entry`].
    Link {
        /// Where.
        path: Path,
        /// What stands in it; need not exist.
        target: Path,
        /// How it is made.
        place: Place,
    },
    /// Another path for what is at one; copied and removed where it can't be renamed. It takes the place of a
    /// file, or of an empty directory if it is one itself. Answers its new [`Entry`].
    Move {
        /// From where; a final symbolic link is not followed.
        from: Path,
        /// To where.
        to: Path,
        /// How it is placed; with [`Owner::Keep`] its owner stays.
        place: Place,
    },
    /// A second one of what is at a path, with its modes and times, seen when it is whole. It takes the same
    /// places as a moved one. Answers its [`Entry`].
    Copy {
        /// Of what; a final symbolic link is not followed.
        from: Path,
        /// To where.
        to: Path,
        /// Whether a directory may be copied, with all that is in it.
        recursive: bool,
        /// How it is placed.
        place: Place,
    },
    /// Removes what is at a path. Answers a [`Summary`]. Neither the root nor a mount point is removed, nor
    /// what is in one: [`Reason::Busy`]. What was removed before a failure stays removed.
    Remove {
        /// Where; a final symbolic link is not followed.
        path: Path,
        /// Whether a directory that is not empty may be removed.
        recursive: bool,
        /// What must be there.
        expected: Expectation,
    },
    /// Other permission bits, another owner, another time. Answers a [`Summary`]. What was changed before a
    /// failure stays changed.
    Change {
        /// Where.
        path: Path,
        /// What is changed.
        changes: Changes,
        /// Whether all that is in a directory is changed too; no symbolic link is followed then.
        recursive: bool,
    },
    /// Lines of regular files that hold something. Answers a [`Match`] for each, an empty block, and [`Found`].
    Search {
        /// A file, or a directory that is searched with all below it.
        path: Path,
        /// What is searched: within a line.
        pattern: String,
        /// Whether `pattern` is a regular expression, of the `regex-lite` crate's syntax.
        expression: bool,
        /// Whether upper and lower case are one.
        ignore_case: bool,
        /// A shell pattern that the names of files must fit; `None` for all.
        names: Option<Pattern>,
        /// How many matches, at most.
        limit: u32,
        /// How many bytes are read of a file, at most.
        file_limit: u64,
    },
    /// Several files and trees. Answers an [`Item`] for each thing; behind that of a file that is not another
    /// name of an earlier one its content as blocks, with an empty one at its end. Each path begins with an
    /// item whose own path is empty.
    Pack {
        /// What; a final symbolic link is followed.
        paths: Vec<Path>,
        /// How many things, at most.
        limit: u64,
    },
    /// The reverse: what comes is a directory's new content, in the form of [`Work::Pack`]. Answers a
    /// [`Packed`]. Things get their names one by one, each when it is whole, and those before a failure stay.
    /// Missing directories are made; no symbolic link below the directory is followed, which is
    /// [`Reason::NotDirectory`]. The item with the empty path changes nothing.
    Unpack {
        /// The directory, which must be there unless `place.parents`.
        path: Path,
        /// How things are placed; `place.owner` is for those that name none.
        place: Place,
    },
    /// What happens at a path: answers its [`Entry`], then [`Seen`]s until it is ended.
    Watch {
        /// A file or directory.
        path: Path,
        /// Whether directories below it are watched too.
        recursive: bool,
        /// How many directories, at most.
        limit: u32,
    },
    /// The accounts. Answers an [`AccountFileFound`] for each of [`AccountFile::ALL`], followed by its
    /// content as blocks with an empty one at its end if it is there, and then an [`AccountsSeen`].
    Accounts {
        /// Programs that are looked for: login shells.
        programs: Vec<Path>,
        /// For a change: how long to wait for the lock of those who change accounts, in milliseconds. It is
        /// held from before the answer on. [`AccountStep`]s come then, and an [`AccountsChanged`] answers them.
        change: Option<u32>,
    },
}

impl std::fmt::Debug for Work {
    /// Shows no paths and no content: only what kind of work it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Work {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stat { .. } => "stat",
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::List { .. } => "list",
            Self::MakeDirectory { .. } => "mkdir",
            Self::Link { .. } => "symlink",
            Self::Move { .. } => "move",
            Self::Copy { .. } => "copy",
            Self::Remove { .. } => "delete",
            Self::Change { .. } => "change",
            Self::Search { .. } => "search",
            Self::Pack { .. } => "pack",
            Self::Unpack { .. } => "unpack",
            Self::Watch { .. } => "watch",
            Self::Accounts { .. } => "accounts",
        }
    }

    /// Whether blocks are given to it.
    pub fn reads(&self) -> bool {
        matches!(
            self,
            Self::Write { .. }
                | Self::Unpack { .. }
                | Self::Accounts {
                    change: Some(_),
                    ..
                }
        )
    }
}
