//! Why a work was not done.

use crate::Path;
use serde::{Deserialize, Serialize};

/// Why a work was not done. Nothing of it is left, unless the work says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was wrong.
    pub reason: Reason,
    /// Where; empty if it is about no path.
    pub path: Path,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// There is nothing.
    NotFound,
    /// Something that is no directory is in the way.
    NotDirectory,
    /// It is a directory.
    IsDirectory,
    /// There is something already.
    Exists,
    /// The directory is not empty.
    NotEmpty,
    /// The user has no right to.
    NotPermitted,
    /// The file system can't be written.
    ReadOnly,
    /// No space, no quota or no inode is left.
    NoSpace,
    /// The symbolic links lead nowhere.
    Circle,
    /// A name or the whole path is too long.
    TooLong,
    /// A device, socket or named pipe.
    Special,
    /// It is the kernel's: /proc, /sys, /dev or another file system of its own.
    Kernel,
    /// It is not, or no longer, what was expected.
    Changed,
    /// More than a limit of the work allows; its name in words.
    Limit(String),
    /// A value of the work can't be used; why, for people.
    Invalid(String),
    /// It is in use: a mount point, a program that runs.
    Busy,
    /// What came as input is not as it should be, or broke off.
    Broken,
    /// Anything else; an errno.
    Other(i32),
}
