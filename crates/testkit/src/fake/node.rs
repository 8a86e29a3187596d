//! A file system object: what it is, whose it is, who may touch it, and what goes wrong.

use bytes::Bytes;

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File(Bytes),
    Directory,
    Link(String),
    /// A character device; reads give zeroes from `zero` and nothing from others.
    Device,
    /// A named pipe, which nobody ever writes to.
    Fifo,
}

/// A file system object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds since 1970.
    pub(super) mtime: u64,
}

impl Node {
    pub(super) fn new(kind: Kind, mode: u32) -> Self {
        Self {
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: 0,
        }
    }

    pub(super) fn file(data: impl Into<Bytes>, mode: u32) -> Self {
        Self::new(Kind::File(data.into()), mode)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    #[must_use]
    pub(super) fn owned_by(mut self, who: Who) -> Self {
        (self.uid, self.gid) = (who.uid, who.gid);
        self
    }
}

/// Who touches a file. Root may do everything; others by the permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Who {
    pub(super) const ROOT: Self = Self { uid: 0, gid: 0 };
}

/// Why a file operation failed: the errno, by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FsError {
    NotFound,
    NotDirectory,
    IsDirectory,
    NotEmpty,
    Exists,
    Loop,
    ReadOnly,
    Denied,
}

impl FsError {
    /// As libc writes it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NotFound => "No such file or directory",
            Self::NotDirectory => "Not a directory",
            Self::IsDirectory => "Is a directory",
            Self::NotEmpty => "Directory not empty",
            Self::Exists => "File exists",
            Self::Loop => "Too many levels of symbolic links",
            Self::ReadOnly => "Read-only file system",
            Self::Denied => "Permission denied",
        }
    }

    /// As Go writes it.
    pub(super) fn go_text(self) -> String {
        self.text().to_lowercase()
    }
}

/// Whether the permission bits give somebody the access `bit` (4 read, 2 write, 1 execute).
pub(super) fn allowed(node: &Node, who: Who, bit: u32) -> bool {
    let shift = match () {
        () if who.uid == 0 => return bit != 1 || node.mode & 0o111 != 0,
        () if who.uid == node.uid => 6,
        () if who.gid == node.gid => 3,
        () => 0,
    };
    node.mode >> shift & bit != 0
}
