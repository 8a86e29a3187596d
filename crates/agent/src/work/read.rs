//! The content of a file, as fast as the kernel moves it.

use super::answer::{Answer, At, Failed};
use super::entry::{entry, size};
use super::input::write_all;
use super::resolve::{self, Link};
use podlane_inside::{Reason, blocks};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// With less left, it is copied: two system calls instead of many.
const SMALL: usize = 64 << 10;

pub(super) fn read(
    answer: &mut Answer,
    path: &[u8],
    offset: u64,
    length: Option<u64>,
) -> Result<(), Failed> {
    let spot = resolve::spot(path, Link::Followed, None)?;
    let (file, found) = spot.open_file()?;
    answer.record(&entry(spot.path.clone(), &found, None))?;
    let there = size(&found).saturating_sub(offset);
    let length = length.map_or(there, |length| length.min(there));
    send(answer, file.as_fd(), offset, length, &spot.path)?;
    answer.end()
}

/// Sends exactly so much of a file as content.
pub(super) fn send(
    answer: &mut Answer,
    file: BorrowedFd<'_>,
    mut offset: u64,
    length: u64,
    path: &[u8],
) -> Result<(), Failed> {
    let end = offset + length;
    let mut pipe = None;
    let mut moving = true;
    while offset < end {
        let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
        let most = left.min(blocks::MAX);
        let sent = if moving && left >= SMALL {
            let pipe = match &mut pipe {
                Some(pipe) => pipe,
                none => none.insert(Pipe::new().at(path)?),
            };
            let moved = pipe.move_on(answer, file, offset, most, path)?;
            let Some(moved) = moved else {
                moving = false;
                continue;
            };
            moved
        } else {
            let mut content = vec![0; most.min(SMALL)];
            let read = rustix::io::pread(file, &mut content[..], offset).at(path)?;
            answer.content(&content[..read])?;
            read
        };
        if sent == 0 {
            return Err(Failed::new(Reason::Changed, path));
        }
        offset += sent as u64;
    }
    Ok(())
}

/// Content on its way from a file to standard output: how much it is must be known before it is promised.
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    /// Whether standard output takes what is in it.
    takes: bool,
}

impl Pipe {
    fn new() -> rustix::io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        // Not granted, they only are slower.
        let _ = fcntl_setpipe_size(&write, blocks::MAX);
        let _ = fcntl_setpipe_size(Answer::stream(), blocks::MAX);
        Ok(Self {
            read,
            write,
            takes: true,
        })
    }

    /// Sends a piece of a file as one block; how much it was. `None` if the kernel can't move it by itself.
    fn move_on(
        &mut self,
        answer: &mut Answer,
        file: BorrowedFd<'_>,
        mut offset: u64,
        most: usize,
        path: &[u8],
    ) -> Result<Option<usize>, Failed> {
        let flags = SpliceFlags::MOVE;
        let moved = loop {
            match splice(file, Some(&mut offset), &self.write, None, most, flags) {
                Ok(moved) => break moved,
                Err(Errno::INTR) => {}
                Err(Errno::INVAL) => return Ok(None),
                Err(error) => return Err(error).at(path),
            }
        };
        if moved == 0 {
            return Ok(Some(0));
        }
        answer.header(moved)?;
        let mut left = moved;
        while left > 0 {
            left -= self.pass(left).map_err(|_error| Failed::There)?;
        }
        Ok(Some(moved))
    }

    fn pass(&mut self, most: usize) -> rustix::io::Result<usize> {
        let stream = Answer::stream();
        if self.takes {
            match splice(&self.read, None, stream, None, most, SpliceFlags::MOVE) {
                Err(Errno::INTR) => return Ok(0),
                // It is no pipe.
                Err(Errno::INVAL) => self.takes = false,
                passed => return passed,
            }
        }
        let mut content = vec![0; most.min(SMALL)];
        let read = rustix::io::read(&self.read, &mut content[..])?;
        write_all(stream, &content[..read])?;
        Ok(read)
    }
}
