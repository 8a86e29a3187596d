//! A socket with frames both ways, never waited for.

use crate::sys;
use podlane_agent::{Decoder, MAX_REPLY, MAX_REQUEST, Malformed, Reply, Request};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// One side of a socket: in a worker the server's, or in the switchboard a worker's.
pub(crate) struct Connection<S> {
    socket: S,
    decoder: Decoder,
    /// Those that have come and were not taken yet, in the order of the frames they came beside.
    descriptors: VecDeque<OwnedFd>,
    unsent: VecDeque<u8>,
    /// Those that go with what is sent next.
    beside: Vec<OwnedFd>,
}

/// Replies are few and small, and so is all but one request at a time; who takes none of them is gone.
const MAX_UNSENT: usize = MAX_REQUEST + (1 << 20);
/// More descriptors than these are sent by nobody who waits for answers.
const MAX_WAITING: usize = 256;

impl<S: AsFd> Connection<S> {
    /// To one who asks.
    pub(crate) fn new(socket: S) -> Self {
        Self::with(socket, MAX_REQUEST)
    }

    /// To one who answers.
    pub(crate) fn to_worker(socket: S) -> Self {
        Self::with(socket, MAX_REPLY)
    }

    fn with(socket: S, longest: usize) -> Self {
        Self {
            socket,
            decoder: Decoder::new(longest),
            descriptors: VecDeque::new(),
            unsent: VecDeque::new(),
            beside: Vec::new(),
        }
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }

    /// What to wait for.
    pub(crate) fn events(&self) -> libc::c_short {
        if self.unsent.is_empty() {
            libc::POLLIN
        } else {
            libc::POLLIN | libc::POLLOUT
        }
    }

    /// Receives what there is; false once the other side has gone.
    pub(crate) fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if self.descriptors.len() > MAX_WAITING {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match sys::receive(self.socket.as_fd(), &mut buffer, &mut self.descriptors) {
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

    /// The next reply that has come whole.
    pub(crate) fn next_reply(&mut self) -> Result<Option<Reply>, Malformed> {
        match self.decoder.next_frame()? {
            Some(body) => Reply::decode(body).map(Some),
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

    /// Whether the other side has gone, as far as can be seen now.
    pub(crate) fn is_closed(&self) -> bool {
        sys::is_closed(self.socket.as_fd())
    }

    /// Sends a reply, or keeps it until it can be sent.
    pub(crate) fn send(&mut self, reply: &Reply) -> io::Result<()> {
        self.keep(&reply.encode(), Vec::new())?;
        self.flush()
    }

    /// Keeps a frame, with descriptors beside it, until it is flushed.
    pub(crate) fn keep(&mut self, frame: &[u8], beside: Vec<OwnedFd>) -> io::Result<()> {
        self.unsent.extend(frame);
        self.beside.extend(beside);
        if self.unsent.len() > MAX_UNSENT {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(())
    }

    /// Sends what is taken.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let (head, _) = self.unsent.as_slices();
            match sys::send(self.socket.as_fd(), head, &self.beside) {
                Ok(sent) => {
                    self.unsent.drain(..sent);
                    self.beside.clear();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
