//! What a work is given, on standard input.

use super::answer::{At, Failed};
use podlane_inside::{Reason, blocks};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};
use serde::de::DeserializeOwned;
use std::os::fd::BorrowedFd;

/// What is read at once.
const BUFFER: usize = 64 << 10;
/// Pieces of content as long as this go from pipe to file without this process.
const LONG: usize = 16 << 10;

/// What a work is given.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
    /// Whether the last block was a long one. Then nothing is read ahead: the kernel can move the next one.
    long: bool,
    /// Whether the pipe was made large.
    large: bool,
    /// Whether the kernel can't move content by itself.
    copying: bool,
}

/// It broke off.
fn broken() -> Failed {
    Failed::new(Reason::Broken, &[])
}

impl Input {
    /// The length of the next block; 0 at an end.
    pub(super) fn header(&mut self) -> Result<usize, Failed> {
        let mut header = [0; 4];
        self.exactly(&mut header)?;
        match u32::from_le_bytes(header) as usize {
            length @ 0..=blocks::MAX => Ok(length),
            _ => Err(broken()),
        }
    }

    /// A record; `None` at an end.
    pub(super) fn record<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failed> {
        let length = self.header()?;
        if length == 0 {
            return Ok(None);
        }
        let mut body = vec![0; length];
        self.exactly(&mut body)?;
        blocks::parse(&body).map(Some).map_err(|_error| broken())
    }

    /// Writes content to its end into a file, which `path` is for people; how much it was.
    pub(super) fn content(&mut self, file: BorrowedFd<'_>, path: &[u8]) -> Result<u64, Failed> {
        let mut length = 0;
        loop {
            let block = self.header()?;
            if block == 0 {
                return Ok(length);
            }
            self.block(file, block, path)?;
            length += block as u64;
        }
    }

    fn block(&mut self, file: BorrowedFd<'_>, length: usize, path: &[u8]) -> Result<(), Failed> {
        self.long = length >= LONG && !self.copying;
        let mut left = length;
        while left > 0 {
            if self.taken == self.buffer.len() && left >= LONG && !self.copying {
                left -= self.move_on(file, left, path)?;
                continue;
            }
            let piece = self.piece(left)?;
            write_all(file, piece).at(path)?;
            let written = piece.len();
            self.taken += written;
            left -= written;
        }
        Ok(())
    }

    /// Lets the kernel move content.
    fn move_on(&mut self, file: BorrowedFd<'_>, most: usize, path: &[u8]) -> Result<usize, Failed> {
        let stdin = rustix::stdio::stdin();
        if !self.large {
            self.large = true;
            // Not granted, it only is slower.
            let _ = fcntl_setpipe_size(stdin, blocks::MAX);
        }
        match splice(stdin, None, file, None, most, SpliceFlags::MOVE) {
            Ok(0) => Err(broken()),
            Ok(moved) => Ok(moved),
            Err(Errno::INTR) => Ok(0),
            Err(Errno::INVAL) => {
                self.copying = true;
                Ok(0)
            }
            Err(error) => Err(error).at(path),
        }
    }

    /// Fills `to`.
    pub(super) fn exactly(&mut self, to: &mut [u8]) -> Result<(), Failed> {
        let mut filled = 0;
        while filled < to.len() {
            let piece = self.piece(to.len() - filled)?;
            to[filled..filled + piece.len()].copy_from_slice(piece);
            let length = piece.len();
            self.taken += length;
            filled += length;
        }
        Ok(())
    }

    /// What is there, at most so many bytes and at least one.
    fn piece(&mut self, most: usize) -> Result<&[u8], Failed> {
        if self.taken == self.buffer.len() {
            let ahead = if self.long { most.min(BUFFER) } else { BUFFER };
            self.buffer.resize(ahead, 0);
            let read = loop {
                match rustix::io::read(rustix::stdio::stdin(), &mut self.buffer[..]) {
                    Err(Errno::INTR) => {}
                    read => break read.unwrap_or_default(),
                }
            };
            self.buffer.truncate(read);
            self.taken = 0;
            if read == 0 {
                return Err(broken());
            }
        }
        let there = &self.buffer[self.taken..];
        Ok(&there[..most.min(there.len())])
    }
}

/// Writes all of it.
pub(super) fn write_all(file: BorrowedFd<'_>, mut data: &[u8]) -> rustix::io::Result<()> {
    while !data.is_empty() {
        match rustix::io::write(file, data) {
            Ok(written) => data = &data[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
