//! Files inside a container.

use crate::{InnerPath, Result};
use bytes::Bytes;
use futures_util::stream::BoxStream;

/// A tar archive on its way to or from a container.
pub type Archive = BoxStream<'static, Result<Bytes>>;

/// A tar archive that a container is given.
pub enum Upload {
    /// It is all there.
    Whole(Bytes),
    /// It comes piece by piece. An error is its end, and what was written of it stays.
    Pieces(Archive),
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole(..)",
            Self::Pieces(_) => "Pieces(..)",
        })
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, socket or named pipe.
    Special,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// When its content was last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// Where a symbolic link ends, all links resolved inside the container's root.
    pub target: Option<InnerPath>,
}

/// Who shall own unpacked files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The user that the container runs as.
    ContainerUser,
    /// The numbers in the archive.
    Archive,
}
