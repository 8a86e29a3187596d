//! The pipes of a command whose streams go over the one to the server, and that one itself.

use crate::sys;
use podlane_agent::mux::{CREDIT, Credit, Frame, MAX_DATA, Part, Stream};
use podlane_agent::{Malformed, Reply};
use std::collections::VecDeque;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

/// With so much waiting for the server, pipes are left as they are.
const ENOUGH: usize = 256 << 10;
/// What a pipe holds if it does not say so. Source: pipe(7).
const CAPACITY: usize = 64 << 10;

/// What waits for the server.
#[derive(Default)]
pub(crate) struct Out(VecDeque<u8>);

impl Out {
    pub(crate) fn send(&mut self, channel: u32, part: Part<'_>) {
        self.0.extend(Frame { channel, part }.encode());
    }

    pub(crate) fn reply(&mut self, channel: u32, reply: &Reply) {
        // Its length stands before its body.
        self.send(channel, Part::Message(&reply.encode()[4..]));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_room(&self) -> bool {
        self.0.len() < ENOUGH
    }

    /// Writes what is taken.
    pub(crate) fn flush(&mut self, to: BorrowedFd<'_>) -> io::Result<()> {
        give(&mut self.0, to).map(|_written| ())
    }
}

/// Writes what is taken at once; answers how much.
fn give(waiting: &mut VecDeque<u8>, to: BorrowedFd<'_>) -> io::Result<usize> {
    let mut written = 0;
    while !waiting.is_empty() {
        match sys::write(to, waiting.as_slices().0) {
            Ok(taken) => {
                waiting.drain(..taken);
                written += taken;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Anybody may open it by /dev/stdout, which only those can who have it anyway.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = io::pipe()?;
    let read = File::from(OwnedFd::from(read));
    read.set_permissions(Permissions::from_mode(0o666))?;
    Ok((read.into(), write.into()))
}

pub(crate) struct Input {
    /// `None` once it has ended, or nobody reads it.
    pipe: Option<OwnedFd>,
    waiting: VecDeque<u8>,
    ended: bool,
    credit: Credit,
    /// Read, and not told of yet.
    taken: usize,
}

impl Input {
    /// With the end that is for the worker.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe()?;
        sys::do_not_block(write.as_fd())?;
        let input = Self {
            pipe: Some(write),
            waiting: VecDeque::new(),
            ended: false,
            credit: Credit::whole(),
            taken: 0,
        };
        Ok((input, read))
    }

    pub(crate) fn take(&mut self, data: &[u8]) -> Result<(), Malformed> {
        self.credit.spend(data.len())?;
        if self.pipe.is_some() {
            self.waiting.extend(data);
        }
        Ok(())
    }

    /// Nothing comes after what has come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// What to wait for.
    pub(crate) fn waits(&self) -> Option<libc::pollfd> {
        let pipe = self.pipe.as_ref().filter(|_| !self.waiting.is_empty())?;
        Some(sys::poll_for(pipe.as_raw_fd(), libc::POLLOUT))
    }

    /// Moves what can be moved.
    pub(crate) fn pump(&mut self, id: u32, out: &mut Out) {
        let Some(pipe) = &self.pipe else {
            return;
        };
        let Ok(written) = give(&mut self.waiting, pipe.as_fd()) else {
            self.pipe = None;
            self.waiting.clear();
            out.send(id, Part::End);
            return;
        };
        self.taken += written;
        if self.waiting.is_empty() && self.ended {
            self.pipe = None;
        } else if self.taken >= CREDIT
            && let Ok(taken) = u32::try_from(self.taken)
            && self.credit.add(taken).is_ok()
        {
            out.send(id, Part::Credit(Stream::Stdin, taken));
            self.taken = 0;
        }
    }
}

pub(crate) struct Output {
    pub(crate) stream: Stream,
    /// `None` at its end.
    pipe: Option<OwnedFd>,
    /// What was left in it when the command ended.
    left: VecDeque<u8>,
    pub(crate) credit: Credit,
}

impl Output {
    /// With the end that is for the worker.
    pub(crate) fn new(stream: Stream) -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe()?;
        sys::do_not_block(read.as_fd())?;
        let output = Self {
            stream,
            pipe: Some(read),
            left: VecDeque::new(),
            credit: Credit::whole(),
        };
        Ok((output, write))
    }

    /// What to wait for.
    pub(crate) fn waits(&self, out: &Out) -> Option<libc::pollfd> {
        let wanted = self.credit.left() > 0 && out.has_room();
        let pipe = self.pipe.as_ref().filter(|_| wanted)?;
        Some(sys::poll_for(pipe.as_raw_fd(), libc::POLLIN))
    }

    /// Whether nothing that was left in it waits to be sent.
    pub(crate) fn is_read(&self) -> bool {
        self.left.is_empty()
    }

    /// The command has ended: what is in the pipe now is the last of it.
    pub(crate) fn drain(&mut self) {
        let Some(pipe) = self.pipe.take() else {
            return;
        };
        let capacity = sys::capacity(pipe.as_fd()).unwrap_or(CAPACITY);
        let mut buffer = [0; MAX_DATA];
        while self.left.len() < capacity {
            let most = buffer.len().min(capacity - self.left.len());
            match sys::read(pipe.as_fd(), &mut buffer[..most]) {
                Ok(read) if read > 0 => self.left.extend(&buffer[..read]),
                _ => return,
            }
        }
    }

    /// Moves what can be moved.
    pub(crate) fn pump(&mut self, id: u32, out: &mut Out) {
        let most = MAX_DATA.min(self.credit.left());
        if let Some(pipe) = self.pipe.as_ref().filter(|_| most > 0 && out.has_room()) {
            let mut buffer = [0; MAX_DATA];
            match sys::read(pipe.as_fd(), &mut buffer[..most]) {
                Ok(0) => self.pipe = None,
                Ok(read) => self.send(id, &buffer[..read], out),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.pipe = None,
            }
        }
        while !self.left.is_empty() && self.credit.left() > 0 && out.has_room() {
            let most = MAX_DATA.min(self.credit.left()).min(self.left.len());
            let data: Vec<u8> = self.left.drain(..most).collect();
            self.send(id, &data, out);
        }
    }

    /// No more than there is credit for.
    fn send(&mut self, id: u32, data: &[u8], out: &mut Out) {
        if self.credit.spend(data.len()).is_ok() {
            out.send(id, Part::Data(self.stream, data));
        }
    }
}
