//! Failures of works, in words.

use podlane_engine::inside::{Failure, Reason};

/// What a failure is called, for people.
pub(crate) fn words(failure: &Failure) -> String {
    let path = String::from_utf8_lossy(&failure.path);
    let what = match &failure.reason {
        Reason::NotFound => "does not exist",
        Reason::NotDirectory => "is no directory, or something above it is none",
        Reason::IsDirectory => "is a directory",
        Reason::Exists => "exists already",
        Reason::NotEmpty => "is a directory that is not empty",
        Reason::NotPermitted => "is not open to that user",
        Reason::ReadOnly => "is on a read-only file system",
        Reason::NoSpace => "is on a file system with no space left",
        Reason::Circle => "is a symbolic link that leads nowhere",
        Reason::TooLong => "is too long for a path, or a name in it is",
        Reason::Special => "is a device, socket or named pipe",
        Reason::Kernel => "is the kernel's: /proc, /sys and /dev are not for files",
        Reason::Changed => "is not what was expected",
        Reason::Busy => "is in use",
        Reason::Broken => "was given up before it was whole",
        Reason::Limit(limit) => return format!("{path}: more than {limit}"),
        Reason::Invalid(why) => return format!("{path}: {why}"),
        Reason::Other(errno) => {
            return format!("{path}: {}", std::io::Error::from_raw_os_error(*errno));
        }
    };
    format!("{path} {what}")
}
