//! What a work tells the server, on standard output.

use podlane_inside::{Failure, Reason, blocks};
use serde::Serialize;
use std::io::{self, Write};

/// Why a work ends early.
pub(super) enum Failed {
    /// Something here: the server is told.
    Here(Failure),
    /// The server has gone, or says what it should not.
    There(io::Error),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

/// What an error of the operating system means for a path.
pub(super) fn failure(error: &io::Error, path: &[u8]) -> Failure {
    let reason = match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ENOENT => Reason::NotFound,
        libc::ENOTDIR => Reason::NotDirectory,
        libc::EISDIR => Reason::IsDirectory,
        libc::EEXIST => Reason::Exists,
        libc::ENOTEMPTY => Reason::NotEmpty,
        libc::EACCES | libc::EPERM => Reason::NotPermitted,
        libc::EROFS => Reason::ReadOnly,
        libc::ENOSPC | libc::EDQUOT => Reason::NoSpace,
        libc::ELOOP => Reason::Circle,
        libc::ENAMETOOLONG => Reason::TooLong,
        libc::EBUSY | libc::ETXTBSY => Reason::Busy,
        other => Reason::Other(other),
    };
    Failure {
        reason,
        path: path.to_vec(),
    }
}

/// Writes one record of the answer.
pub(super) fn record(record: &impl Serialize) -> Result<(), Failed> {
    blocks::write_record(&mut io::stdout(), record).map_err(Failed::There)
}

/// Writes an answer of one record.
pub(super) fn only(answer: &impl Serialize) -> Result<(), Failed> {
    record(answer)?;
    io::stdout().write_all(&blocks::END).map_err(Failed::There)
}

/// Ends the answer with a failure.
pub(super) fn end(failure: &Failure) -> io::Result<()> {
    io::stdout().write_all(&blocks::failure(failure)?)
}
