//! Requests whose end two readers would see in two places.
//!
//! hyper is lenient where RFC 9112 lets it: it takes `Transfer-Encoding` when `Content-Length` stands
//! beside it, and a bare line feed as a line's end. A proxy before us may read the same bytes in the
//! other way and let a second request through inside the first. So the bytes are looked at on their
//! way to hyper, with no leniency at all, and a request that has any of this is refused. What is
//! refused once stays so: nothing more is taken from that connection.

use crate::refusal::Refusal;
use axum::http::Extensions;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was found on a connection; goes with each of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Framing(Arc<OnceLock<&'static str>>);

impl Framing {
    /// Refuses a request whose connection has shown a fault so far.
    pub(crate) fn check(request: &Extensions) -> Result<(), Refusal> {
        match request.get::<Self>().and_then(Self::fault) {
            Some(what) => Err(Refusal::Ambiguous { what }),
            None => Ok(()),
        }
    }

    /// From here on the connection speaks another protocol: its bytes are looked at no more, and no
    /// further request is taken from it.
    pub(crate) fn leave_http(&self) {
        // Where a fault was found before, this is the same.
        let _ = self.0.set("the connection does not speak HTTP any more");
    }

    /// What is ambiguous, if anything is.
    fn fault(&self) -> Option<&'static str> {
        self.0.get().copied()
    }
}

/// A connection whose bytes are looked at as they are read.
pub(super) struct Watched<T> {
    inner: T,
    framing: Framing,
    scanner: Scanner,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T, framing: Framing, header_bytes: usize) -> Self {
        Self {
            inner,
            framing,
            scanner: Scanner::new(header_bytes),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        if this.framing.fault().is_none()
            && let Err(fault) = this.scanner.feed(&buf.filled()[before..])
        {
            // It was empty just now, and only this connection writes it.
            let _ = this.framing.0.set(fault);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Follows requests through a stream of bytes, as far as is needed to see where each ends.
#[derive(Debug)]
struct Scanner {
    place: Place,
    /// The line so far, in the places that have lines.
    line: Vec<u8>,
    /// Bytes of the head or of the trailers so far.
    size: usize,
    max_size: usize,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    RequestLine,
    Header,
    /// So many bytes of content are left.
    Content(u64),
    ChunkSize,
    /// So many bytes of the chunk are left.
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

type Scan<T = ()> = Result<T, &'static str>;

impl Scanner {
    fn new(max_size: usize) -> Self {
        Self {
            place: Place::RequestLine,
            line: Vec::new(),
            size: 0,
            max_size,
            length: None,
            chunked: false,
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Scan {
        while !bytes.is_empty() {
            match self.place {
                Place::Content(left) => {
                    let left = skip(&mut bytes, left);
                    self.place = if left == 0 {
                        self.next_request()
                    } else {
                        Place::Content(left)
                    };
                }
                Place::Chunk(left) => {
                    let left = skip(&mut bytes, left);
                    self.place = if left == 0 {
                        Place::ChunkEnd
                    } else {
                        Place::Chunk(left)
                    };
                }
                _ => {
                    if self.take_line(&mut bytes)? {
                        let line = std::mem::take(&mut self.line);
                        self.place = self.judge(&line)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes bytes up to a line's end; whether it was reached.
    fn take_line(&mut self, bytes: &mut &[u8]) -> Scan<bool> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        self.size += piece.len();
        if self.size > self.max_size {
            return Err("its headers are too large");
        }
        self.line.extend_from_slice(piece);
        if end.is_none() {
            return Ok(false);
        }
        let whole = self.line.strip_suffix(b"\r\n").map(<[u8]>::len);
        self.line
            .truncate(whole.ok_or("a line ends without a carriage return")?);
        if self.line.contains(&b'\r') {
            return Err("a carriage return stands within a line");
        }
        Ok(true)
    }

    fn judge(&mut self, line: &[u8]) -> Scan<Place> {
        match self.place {
            Place::RequestLine if line.is_empty() => Ok(Place::RequestLine),
            Place::RequestLine => Ok(Place::Header),
            Place::Header if line.is_empty() => Ok(self.content()),
            Place::Header => self.header(line).map(|()| Place::Header),
            Place::ChunkSize => self.chunk(line),
            Place::ChunkEnd if line.is_empty() => {
                self.size = 0;
                Ok(Place::ChunkSize)
            }
            Place::ChunkEnd => Err("a chunk is longer than its size"),
            Place::Trailer if line.is_empty() => Ok(self.next_request()),
            Place::Trailer => Ok(Place::Trailer),
            Place::Content(_) | Place::Chunk(_) => unreachable!("content has no lines"),
        }
    }

    fn header(&mut self, line: &[u8]) -> Scan {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err("a header goes on in a second line");
        }
        let colon = line.iter().position(|b| *b == b':');
        let (name, value) = line.split_at(colon.ok_or("a header has no colon")?);
        let (name, value) = (name.trim_ascii(), value[1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().filter(|_| digits);
            let length = number
                .and_then(|number| number.parse().ok())
                .ok_or("its Content-Length is no number")?;
            if self.length.replace(length).is_some() {
                return Err("it has two Content-Length headers");
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err("its Transfer-Encoding is not plainly chunked");
            }
            self.chunked = true;
        }
        if self.chunked && self.length.is_some() {
            return Err("it has both Content-Length and Transfer-Encoding");
        }
        Ok(())
    }

    /// What follows a head.
    fn content(&mut self) -> Place {
        self.size = 0;
        match self.length {
            _ if self.chunked => Place::ChunkSize,
            None | Some(0) => self.next_request(),
            Some(length) => Place::Content(length),
        }
    }

    fn chunk(&mut self, line: &[u8]) -> Scan<Place> {
        self.size = 0;
        let size = line.split(|b| *b == b';').next().unwrap_or_default();
        let hex = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
        let size = std::str::from_utf8(size).ok().filter(|_| hex);
        match size.and_then(|size| u64::from_str_radix(size, 16).ok()) {
            Some(0) => Ok(Place::Trailer),
            Some(size) => Ok(Place::Chunk(size)),
            None => Err("the size of a chunk is no number"),
        }
    }

    fn next_request(&mut self) -> Place {
        self.size = 0;
        self.length = None;
        self.chunked = false;
        Place::RequestLine
    }
}

/// Skips up to `left` bytes; how many are left then.
fn skip(bytes: &mut &[u8], left: u64) -> u64 {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    *bytes = &bytes[here..];
    left - here as u64
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
