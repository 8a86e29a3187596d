//! What hyper reads of a connection.
//!
//! A head (request line and headers) is passed on when it is whole and hyper will take it. One that hyper
//! would not take, it would answer itself, with a bare status. So in place of that one it reads a
//! stand-in, which the guard refuses for what was found: an answer in the contract's form, with an ID,
//! counted and logged like any other.

use super::framing::{Fault, Framing, Scanner};
use axum::http::{Method, Uri};
use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// The most headers that hyper takes.
const MAX_HEADERS: usize = 100;

/// A connection whose bytes are looked at as they are read.
pub(super) struct Watched<T> {
    inner: T,
    framing: Framing,
    scanner: Scanner,
    /// The head under way, as far as it has come.
    held: BytesMut,
    /// What is to be read before anything else.
    ready: BytesMut,
    /// After the stand-in nothing is passed on.
    over: bool,
    /// A request wants to leave HTTP: what follows is none, or is not answered, because where it may not
    /// leave the connection is closed.
    leaving: bool,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T, framing: Framing, header_bytes: usize) -> Self {
        Self {
            inner,
            framing,
            scanner: Scanner::new(header_bytes),
            held: BytesMut::new(),
            ready: BytesMut::new(),
            over: false,
            leaving: false,
        }
    }

    /// Takes in what has come. That many bytes of it may pass as they are; of the rest `ready` has what
    /// may.
    fn look(&mut self, new: &[u8]) -> usize {
        if self.leaving {
            return new.len();
        }
        let mut rest = new;
        while !rest.is_empty() && !self.scanner.is_in_head() {
            if let Err(fault) = self.scanner.step(&mut rest) {
                // Who reads the content asks for faults.
                self.framing.set(fault);
                return new.len();
            }
        }
        if let Err(fault) = self.sort(rest) {
            self.framing.set(fault);
            self.held.clear();
            self.ready.extend_from_slice(STAND_IN);
            self.over = true;
        }
        new.len() - rest.len()
    }

    /// Puts heads and content where they belong. It fails at a head that hyper must not see.
    fn sort(&mut self, mut rest: &[u8]) -> Result<(), Fault> {
        while !rest.is_empty() {
            let (before, in_head) = (rest, self.scanner.is_in_head());
            let step = self.scanner.step(&mut rest);
            let piece = &before[..before.len() - rest.len()];
            if in_head {
                self.held.extend_from_slice(piece);
                if step? {
                    self.leaving |= check(&self.held)?;
                    self.ready.extend_from_slice(&self.held);
                    self.held.clear();
                    if self.leaving {
                        self.ready.extend_from_slice(rest);
                        return Ok(());
                    }
                }
            } else {
                self.ready.extend_from_slice(piece);
                if let Err(fault) = step {
                    self.framing.set(fault);
                    self.ready.extend_from_slice(rest);
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Refuses a whole head that hyper would not take. Answers whether the request wants to leave HTTP.
fn check(head: &[u8]) -> Result<bool, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let unreadable = |what| Err(Fault::Unreadable(what));
    match request.parse(head) {
        Ok(status) if status.is_complete() => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Fault::TooLarge("it has more than 100 headers"));
        }
        Err(httparse::Error::HeaderName) => return unreadable("the name of a header is invalid"),
        Err(httparse::Error::HeaderValue) => return unreadable("the value of a header is invalid"),
        Err(httparse::Error::Version) => return unreadable("its version is not HTTP/1.1"),
        Ok(_) | Err(_) => return unreadable("its first line is none of HTTP"),
    }
    let method = request.method.unwrap_or_default();
    if Method::from_bytes(method.as_bytes()).is_err() {
        return unreadable("its method is invalid");
    }
    if request.path.unwrap_or_default().parse::<Uri>().is_err() {
        return unreadable("its target is invalid");
    }
    let is_old = request.version == Some(0);
    let mut names = request.headers.iter().map(|header| header.name);
    if is_old && names.any(|name| name.eq_ignore_ascii_case("transfer-encoding")) {
        let what = "it is of HTTP/1.0, which knows no Transfer-Encoding";
        return Err(Fault::Ambiguous(what));
    }
    let mut names = request.headers.iter().map(|header| header.name);
    Ok(names.any(|name| name.eq_ignore_ascii_case("upgrade")))
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.framing.fault() == Some(Fault::Left) {
                this.ready.unsplit(this.held.split());
            }
            if !this.ready.is_empty() {
                let length = this.ready.len().min(buf.remaining());
                buf.put_slice(&this.ready.split_to(length));
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let new = &buf.filled()[before..];
            let passed = match this.framing.fault() {
                _ if new.is_empty() => return Poll::Ready(Ok(())),
                None => this.look(new),
                Some(_) if this.over => 0,
                Some(_) => new.len(),
            };
            if passed > 0 {
                buf.set_filled(before + passed);
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(before);
        }
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
