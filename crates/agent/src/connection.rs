//! A socket with frames both ways, never waited for.

use crate::sys;
use podlane_agent::{Decoder, MAX_REQUEST, Malformed, Reply, Request};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The server's end of things.
pub(crate) struct Connection<'a> {
    socket: BorrowedFd<'a>,
    decoder: Decoder,
    /// Those that have come and were not taken yet, in the order of the frames they came beside.
    descriptors: VecDeque<OwnedFd>,
    unsent: VecDeque<u8>,
}

/// Replies are few and small; a server that takes none of them is none.
const MAX_UNSENT: usize = 1 << 20;
/// More descriptors than these are sent by nobody who waits for answers.
const MAX_WAITING: usize = 256;

impl<'a> Connection<'a> {
    pub(crate) fn new(socket: &'a OwnedFd) -> Self {
        Self {
            socket: socket.as_fd(),
            decoder: Decoder::new(MAX_REQUEST),
            descriptors: VecDeque::new(),
            unsent: VecDeque::new(),
        }
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// What to wait for.
    pub(crate) fn events(&self) -> libc::c_short {
        if self.unsent.is_empty() {
            libc::POLLIN
        } else {
            libc::POLLIN | libc::POLLOUT
        }
    }

    /// Receives what there is; false once the server has gone.
    pub(crate) fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if self.descriptors.len() > MAX_WAITING {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match sys::receive(self.socket, &mut buffer, &mut self.descriptors) {
                Ok(0) => return Ok(false),
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next request that has come whole.
    pub(crate) fn next(&mut self) -> Result<Option<Request>, Malformed> {
        match self.decoder.next_frame()? {
            Some(body) => Request::decode(body).map(Some),
            None => Ok(None),
        }
    }

    /// The descriptors that came beside the frame that was taken last.
    pub(crate) fn take_descriptors(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        if count > self.descriptors.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.descriptors.drain(..count).collect())
    }

    /// Closes those that are for others.
    pub(crate) fn forget_descriptors(&mut self) {
        self.descriptors.clear();
    }

    /// Whether the server has gone, as far as can be seen now.
    pub(crate) fn is_closed(&self) -> bool {
        sys::is_closed(self.socket)
    }

    /// Sends a reply, or keeps it until it can be sent.
    pub(crate) fn send(&mut self, reply: &Reply) -> io::Result<()> {
        self.unsent.extend(reply.encode());
        if self.unsent.len() > MAX_UNSENT {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.flush()
    }

    /// Sends what is taken.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let (head, _) = self.unsent.as_slices();
            match sys::send(self.socket, head) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
