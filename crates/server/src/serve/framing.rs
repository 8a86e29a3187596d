//! Requests whose end two readers would see in two places.
//!
//! hyper is lenient where RFC 9112 lets it: it takes `Transfer-Encoding` when `Content-Length` stands
//! beside it, and a bare line feed as a line's end. A proxy before us may read the same bytes in the
//! other way and let a second request through inside the first. So the bytes are looked at on their
//! way to hyper ([`super::watched`]), with no leniency at all, and a request that has any of this is
//! refused. What is refused once stays so: nothing more is taken from that connection.

use crate::refusal::Refusal;
use axum::http::Extensions;
use std::sync::{Arc, OnceLock};

/// What was found on a connection; goes with each of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Framing(Arc<OnceLock<Fault>>);

/// Why no request is taken from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It can be read in two ways.
    Ambiguous(&'static str),
    /// It is no HTTP/1.
    Unreadable(&'static str),
    /// Its head is larger than is taken.
    TooLarge(&'static str),
    /// It speaks another protocol by now.
    Left,
}

impl Framing {
    /// Refuses a request whose connection has shown a fault so far.
    pub(crate) fn check(request: &Extensions) -> Result<(), Refusal> {
        match request.get::<Self>().and_then(Self::fault) {
            Some(Fault::Ambiguous(what)) => Err(Refusal::Ambiguous { what }),
            Some(Fault::Unreadable(what)) => Err(Refusal::Unreadable { what }),
            Some(Fault::TooLarge(what)) => Err(Refusal::HeadTooLarge { what }),
            Some(Fault::Left) => Err(Refusal::Unreadable {
                what: "the connection does not speak HTTP any more",
            }),
            None => Ok(()),
        }
    }

    /// From here on the connection speaks another protocol: its bytes are looked at no more, and no
    /// further request is taken from it.
    pub(crate) fn leave_http(&self) {
        self.set(Fault::Left);
    }

    /// The first fault stays.
    pub(super) fn set(&self, fault: Fault) {
        let _ = self.0.set(fault);
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.0.get().copied()
    }
}

/// Follows requests through a stream of bytes, as far as is needed to see where each ends.
#[derive(Debug)]
pub(super) struct Scanner {
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

type Scan<T = ()> = Result<T, Fault>;

impl Scanner {
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            place: Place::RequestLine,
            line: Vec::new(),
            size: 0,
            max_size,
            length: None,
            chunked: false,
        }
    }

    /// Whether what comes next belongs to a request's head.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.place, Place::RequestLine | Place::Header)
    }

    /// Takes a line, or what there is of content, off `bytes`; whether a head ended with it.
    pub(super) fn step(&mut self, bytes: &mut &[u8]) -> Scan<bool> {
        match self.place {
            Place::Content(left) => {
                let left = skip(bytes, left);
                self.place = if left == 0 {
                    self.next_request()
                } else {
                    Place::Content(left)
                };
            }
            Place::Chunk(left) => {
                let left = skip(bytes, left);
                self.place = if left == 0 {
                    Place::ChunkEnd
                } else {
                    Place::Chunk(left)
                };
            }
            _ => {
                if self.take_line(bytes)? {
                    let line = std::mem::take(&mut self.line);
                    let in_headers = self.place == Place::Header;
                    self.place = self.judge(&line)?;
                    return Ok(in_headers && line.is_empty());
                }
            }
        }
        Ok(false)
    }

    /// Takes bytes up to a line's end; whether it was reached.
    fn take_line(&mut self, bytes: &mut &[u8]) -> Scan<bool> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        self.size += piece.len();
        if self.size > self.max_size {
            return Err(Fault::TooLarge("its headers are too large"));
        }
        let is_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\r' | b'\n');
        if self.place == Place::RequestLine && !piece.iter().all(is_text) {
            return Err(Fault::Unreadable("it does not begin with text"));
        }
        self.line.extend_from_slice(piece);
        if end.is_none() {
            return Ok(false);
        }
        let whole = self.line.strip_suffix(b"\r\n").map(<[u8]>::len);
        self.line
            .truncate(whole.ok_or(Fault::Ambiguous("a line ends without a carriage return"))?);
        if self.line.contains(&b'\r') {
            return Err(Fault::Ambiguous("a carriage return stands within a line"));
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
            Place::ChunkEnd => Err(Fault::Ambiguous("a chunk is longer than its size")),
            Place::Trailer if line.is_empty() => Ok(self.next_request()),
            Place::Trailer => Ok(Place::Trailer),
            Place::Content(_) | Place::Chunk(_) => unreachable!("content has no lines"),
        }
    }

    fn header(&mut self, line: &[u8]) -> Scan {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err(Fault::Ambiguous("a header goes on in a second line"));
        }
        let colon = line.iter().position(|b| *b == b':');
        let (name, value) = line.split_at(colon.ok_or(Fault::Ambiguous("a header has no colon"))?);
        let (name, value) = (name.trim_ascii(), value[1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().filter(|_| digits);
            let length = number
                .and_then(|number| number.parse().ok())
                .ok_or(Fault::Ambiguous("its Content-Length is no number"))?;
            if self.length.replace(length).is_some() {
                return Err(Fault::Ambiguous("it has two Content-Length headers"));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::Ambiguous(
                    "its Transfer-Encoding is not plainly chunked",
                ));
            }
            self.chunked = true;
        }
        if self.chunked && self.length.is_some() {
            return Err(Fault::Ambiguous(
                "it has both Content-Length and Transfer-Encoding",
            ));
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
            None => Err(Fault::Ambiguous("the size of a chunk is no number")),
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
