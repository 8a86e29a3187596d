//! What a work tells the server, on standard output.

use podlane_inside::{Failure, Reason, blocks};
use rustix::io::Errno;
use serde::Serialize;
use std::os::fd::BorrowedFd;

/// What is gathered before it is written.
const ENOUGH: usize = 64 << 10;

/// Why a work ends early.
#[derive(Debug)]
pub(super) enum Failed {
    /// Something here: the server is told.
    Here(Failure),
    /// The server has gone, or says what it should not.
    There,
}

impl Failed {
    /// A failure about a path.
    pub(super) fn new(reason: Reason, path: &[u8]) -> Self {
        Self::Here(Failure {
            reason,
            path: path.to_vec(),
        })
    }

    pub(super) fn invalid(why: &str, path: &[u8]) -> Self {
        Self::new(Reason::Invalid(why.into()), path)
    }

    /// Its reason, if it is about something here.
    pub(super) fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Here(failure) => Some(&failure.reason),
            Self::There => None,
        }
    }
}

/// What is said of a system call that has failed.
pub(super) trait At<T> {
    /// It was about this path.
    fn at(self, path: &[u8]) -> Result<T, Failed>;
}

/// What a failed call of the standard library means for a path.
pub(super) fn failure(error: &std::io::Error, path: &[u8]) -> Failure {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    Failure {
        reason: reason(errno),
        path: path.to_vec(),
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

impl<T> At<T> for rustix::io::Result<T> {
    fn at(self, path: &[u8]) -> Result<T, Failed> {
        self.map_err(|error| Failed::new(reason(error), path))
    }
}

/// What an error of the operating system means for a path.
fn reason(error: Errno) -> Reason {
    match error {
        Errno::NOENT => Reason::NotFound,
        Errno::NOTDIR => Reason::NotDirectory,
        Errno::ISDIR => Reason::IsDirectory,
        Errno::EXIST => Reason::Exists,
        Errno::NOTEMPTY => Reason::NotEmpty,
        Errno::ACCESS | Errno::PERM => Reason::NotPermitted,
        Errno::ROFS => Reason::ReadOnly,
        Errno::NOSPC | Errno::DQUOT => Reason::NoSpace,
        Errno::LOOP => Reason::Circle,
        Errno::NAMETOOLONG => Reason::TooLong,
        // No reader is there, or no device.
        Errno::NXIO | Errno::NODEV => Reason::Special,
        Errno::BUSY | Errno::TXTBSY => Reason::Busy,
        Errno::MFILE | Errno::NFILE => Reason::Limit("open files".into()),
        Errno::OVERFLOW => {
            let why =
                "it would belong to somebody whom the container's user namespace does not have";
            Reason::Invalid(why.into())
        }
        other => Reason::Other(other.raw_os_error()),
    }
}

/// The answer, gathered into few writes.
#[derive(Default)]
pub(super) struct Answer {
    waiting: Vec<u8>,
}

impl Answer {
    /// Standard output. What is written there directly comes after [`Answer::flush`].
    pub(super) fn stream() -> BorrowedFd<'static> {
        rustix::stdio::stdout()
    }

    /// One record.
    pub(super) fn record(&mut self, record: &impl Serialize) -> Result<(), Failed> {
        let block = blocks::record(record).map_err(|_error| Failed::There)?;
        self.bytes(&block)
    }

    /// Content, of at most [`blocks::MAX`] bytes.
    pub(super) fn content(&mut self, content: &[u8]) -> Result<(), Failed> {
        if content.is_empty() {
            return Ok(());
        }
        self.bytes(&blocks::header(content.len()))?;
        self.bytes(content)
    }

    /// The header of content that is written directly.
    pub(super) fn header(&mut self, length: usize) -> Result<(), Failed> {
        self.bytes(&blocks::header(length))?;
        self.flush()
    }

    /// The end of records or of content.
    pub(super) fn end(&mut self) -> Result<(), Failed> {
        self.bytes(&blocks::END)
    }

    /// An answer of one record.
    pub(super) fn only(&mut self, record: &impl Serialize) -> Result<(), Failed> {
        self.record(record)?;
        self.end()
    }

    /// The end of what could not be done.
    pub(super) fn fail(&mut self, failure: &Failure) -> Result<(), Failed> {
        let block = blocks::failure(failure).map_err(|_error| Failed::There)?;
        self.bytes(&block)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= ENOUGH {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), Failed> {
        let mut left = self.waiting.as_slice();
        while !left.is_empty() {
            match rustix::io::write(Self::stream(), left) {
                Ok(written) => left = &left[written..],
                Err(Errno::INTR) => {}
                Err(_) => return Err(Failed::There),
            }
        }
        self.waiting.clear();
        Ok(())
    }
}
