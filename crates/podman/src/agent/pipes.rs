//! The pipes of one command: made by us, for nobody else.

use bytes::{Bytes, BytesMut};
use rustix::fs::Mode;
use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tokio::net::unix::pipe;

/// What is read at once at first, and from a command that writes much.
const SMALL: usize = 16 * 1024;
const LARGE: usize = 256 * 1024;
/// The capacity for a command that writes much; the most that any user may ask for.
const CAPACITY: usize = 1 << 20;

/// Anybody may open it by /dev/stdout, which only those can who have it anyway.
fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::fs::fchmod(&read, Mode::from_raw_mode(0o666))?;
    Ok((read, write))
}

/// Of a new pipe, which has no other flag that could be set.
fn do_not_block(descriptor: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::OFlags::NONBLOCK;
    Ok(rustix::fs::fcntl_setfl(descriptor, flags)?)
}

/// Our end of an input, and the command's.
pub(super) fn input() -> io::Result<(Input, OwnedFd)> {
    let (read, write) = pair()?;
    do_not_block(&write)?;
    let pipe = pipe::Sender::from_owned_fd_unchecked(write)?;
    Ok((Input { pipe, large: false }, read))
}

/// What a command reads.
#[derive(Debug)]
pub(super) struct Input {
    pipe: pipe::Sender,
    large: bool,
}

impl Input {
    /// Makes room for who writes much.
    fn about(&mut self, length: usize) {
        if !self.large && length > SMALL {
            self.large = true;
            // Not granted, it only is slower.
            let _ = fcntl_setpipe_size(&self.pipe, CAPACITY);
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.about(data.len());
        Pin::new(&mut self.pipe).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.about(pieces.iter().map(|piece| piece.len()).sum());
        Pin::new(&mut self.pipe).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// Our end of an output, and the command's.
pub(super) fn output() -> io::Result<(Output, OwnedFd)> {
    let (read, write) = pair()?;
    do_not_block(&read)?;
    let output = Output {
        pipe: pipe::Receiver::from_owned_fd_unchecked(read)?,
        buffer: BytesMut::new(),
        size: SMALL,
        open: true,
        left: None,
    };
    Ok((output, write))
}

/// What a command writes.
#[derive(Debug)]
pub(super) struct Output {
    pipe: pipe::Receiver,
    buffer: BytesMut,
    size: usize,
    open: bool,
    /// Once the command has ended: what it can have left in the pipe. What its children go on writing
    /// is not awaited.
    left: Option<usize>,
}

impl Output {
    /// Waits until there may be something to read; for ever if nothing will come. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        if !self.open {
            std::future::pending::<()>().await;
        }
        self.pipe.readable().await
    }

    /// Reads what is there; `None` if nothing is.
    pub(super) fn read(&mut self) -> io::Result<Option<Bytes>> {
        if !self.open {
            return Ok(None);
        }
        self.buffer.reserve(self.size);
        let read = if self.left.is_some() {
            self.read_whatever_is_known()
        } else {
            self.pipe.try_read_buf(&mut self.buffer)
        };
        let read = match read {
            Ok(0) => {
                self.open = false;
                return Ok(None);
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        if read >= self.size && self.size < LARGE {
            self.size = LARGE;
            // Not granted, it only is slower.
            let _ = fcntl_setpipe_size(&self.pipe, CAPACITY);
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(read);
            self.open &= *left > 0;
        }
        Ok(Some(self.buffer.split().freeze()))
    }

    /// The runtime reads only what it has been told of; what was written just now is there all the same.
    fn read_whatever_is_known(&mut self) -> io::Result<usize> {
        let before = self.buffer.len();
        self.buffer.resize(before + self.size, 0);
        let read = rustix::io::read(&self.pipe, &mut self.buffer[before..]);
        self.buffer.truncate(before + read.unwrap_or_default());
        Ok(read?)
    }

    /// The command has ended: only what is in the pipe now is still its own.
    pub(super) fn ended(&mut self) {
        let capacity = fcntl_getpipe_size(&self.pipe).unwrap_or(CAPACITY);
        self.left.get_or_insert(capacity);
    }
}
