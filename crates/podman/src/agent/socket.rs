//! A socket to an agent's process: frames both ways, descriptors only away from us.

use podlane_agent::{Decoder, MAX_REPLY, Reply, Request};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The most descriptors beside one frame.
const MAX_DESCRIPTORS: usize = 3;

/// Our end of a pair.
#[derive(Debug)]
pub(super) struct Socket {
    stream: UnixStream,
    decoder: Mutex<Decoder>,
}

impl Socket {
    /// A pair: our end, and the end to hand over.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let stream = std::os::unix::net::UnixStream::from(ours);
        stream.set_nonblocking(true)?;
        let socket = Self {
            stream: UnixStream::from_std(stream)?,
            decoder: Mutex::new(Decoder::new(MAX_REPLY)),
        };
        Ok((socket, theirs))
    }

    /// Sends a request, with descriptors beside its first byte.
    pub(super) async fn send(
        &self,
        request: &Request,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let frame = request.encode();
        let mut sent = 0;
        while sent < frame.len() {
            let beside = if sent == 0 { descriptors } else { &[] };
            let attempt = || self.send_some(&frame[sent..], beside);
            sent += self.stream.async_io(Interest::WRITABLE, attempt).await?;
        }
        Ok(())
    }

    /// Sends a short request if the socket takes it at once, as it does unless its reader hangs.
    pub(super) fn send_now(&self, request: &Request) -> io::Result<()> {
        let frame = request.encode();
        let sent = self
            .stream
            .try_io(Interest::WRITABLE, || self.send_some(&frame, &[]))?;
        if sent == frame.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    fn send_some(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let bytes = [IoSlice::new(bytes)];
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(rustix::net::sendmsg(
            &self.stream,
            &bytes,
            &mut beside,
            flags,
        )?)
    }

    /// Waits until something may have come. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Takes what has come. `UnexpectedEof` once the other side has gone.
    pub(super) fn receive(&self, mut each: impl FnMut(Reply)) -> io::Result<()> {
        let mut decoder = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 4096];
        loop {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => decoder.push(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            while let Some(body) = decoder.next_frame().map_err(io::Error::other)? {
                each(Reply::decode(body).map_err(io::Error::other)?);
            }
        }
    }
}
