//! The stream format of exec, attach and logs: an 8-byte header before each piece of output.
//!
//! Header: stream (0 or 1 standard output, 2 standard error), three zero bytes, length as big-endian
//! u32. Source: Docker Engine API, "Attach to a container", stream format; Podman writes the same.
//!
//! Decodes as data comes: a frame that is not whole yet is passed on in pieces, so that a frame's
//! stated length, which may be a lie of up to 4 GiB, never decides how much memory is used.

use bytes::{Buf, Bytes};
use podlane_engine::{Chunk, Source};
use thiserror::Error;

/// A header that no engine writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The first byte names no output stream.
    #[error("stream number {0} in a frame header")]
    UnknownStream(u8),
    /// The bytes between stream and length are not zero.
    #[error("padding in a frame header is not zero")]
    Padding,
    /// The stream ended inside a header or a frame.
    #[error("the stream ended inside a frame")]
    CutOff,
}

const HEADER: usize = 8;

/// Decodes one stream of frames.
#[derive(Debug, Default)]
pub struct Decoder {
    header: [u8; HEADER],
    header_len: usize,
    /// The frame under way, and how many of its bytes are still to come.
    frame: Option<(Source, usize)>,
    /// Whether none of its bytes has come yet.
    begins: bool,
}

impl Decoder {
    /// Takes the next chunk off `data`, as much as is there; `None` when `data` is used up.
    pub fn next(&mut self, data: &mut Bytes) -> Result<Option<Chunk>, FrameError> {
        Ok(self.next_part(data)?.map(|(chunk, _)| chunk))
    }

    /// The same, and whether a frame begins with it.
    pub(crate) fn next_part(
        &mut self,
        data: &mut Bytes,
    ) -> Result<Option<(Chunk, bool)>, FrameError> {
        while !data.is_empty() {
            if let Some((source, left)) = self.frame {
                let data = data.split_to(left.min(data.len()));
                let left = left - data.len();
                self.frame = (left > 0).then_some((source, left));
                let begins = std::mem::take(&mut self.begins);
                return Ok(Some((Chunk { source, data }, begins)));
            }
            let wanted = (HEADER - self.header_len).min(data.len());
            data.copy_to_slice(&mut self.header[self.header_len..self.header_len + wanted]);
            self.header_len += wanted;
            if self.header_len == HEADER {
                self.header_len = 0;
                self.frame = parse(self.header)?;
                self.begins = true;
            }
        }
        Ok(None)
    }

    /// Says whether the stream may end here.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.frame.is_none() && self.header_len == 0 {
            Ok(())
        } else {
            Err(FrameError::CutOff)
        }
    }
}

/// The stream and length of a header; `None` for an empty frame.
fn parse(header: [u8; HEADER]) -> Result<Option<(Source, usize)>, FrameError> {
    let [stream, a, b, c, length @ ..] = header;
    let source = match stream {
        0 | 1 => Source::Stdout,
        2 => Source::Stderr,
        other => return Err(FrameError::UnknownStream(other)),
    };
    if [a, b, c] != [0; 3] {
        return Err(FrameError::Padding);
    }
    let length = u32::from_be_bytes(length) as usize;
    Ok((length > 0).then_some((source, length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(stream: u8, data: &[u8]) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend_from_slice(&u32::try_from(data.len()).expect("small").to_be_bytes());
        frame.extend_from_slice(data);
        frame
    }

    /// Feeds `bytes` in pieces of the given sizes; answers what came out, per source.
    fn decode(bytes: &[u8], sizes: &[usize]) -> Result<(Vec<u8>, Vec<u8>), FrameError> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut decoder = Decoder::default();
        let mut rest = Bytes::copy_from_slice(bytes);
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let size = (*sizes.next().unwrap_or(&1)).clamp(1, rest.len());
            let mut piece = rest.split_to(size);
            while let Some(chunk) = decoder.next(&mut piece)? {
                assert!(!chunk.data.is_empty());
                match chunk.source {
                    Source::Stdout => out.extend_from_slice(&chunk.data),
                    Source::Stderr => err.extend_from_slice(&chunk.data),
                }
            }
        }
        decoder.finish().map(|()| (out, err))
    }

    #[test]
    fn output_that_looks_like_frames_stays_output() {
        let inner = frame(2, b"not stderr");
        let (out, err) = decode(&frame(1, &inner), &[3]).expect("valid");
        assert_eq!((out, err), (inner, Vec::new()));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(
            decode(b"HTTP/1.1 200 OK", &[4]),
            Err(FrameError::UnknownStream(b'H'))
        );
        assert_eq!(
            decode(&[1, 1, 0, 0, 0, 0, 0, 0], &[8]),
            Err(FrameError::Padding)
        );
        assert_eq!(
            decode(&[1, 0, 0, 0, 0, 0, 0, 9, b'x'], &[8]),
            Err(FrameError::CutOff)
        );
        assert_eq!(decode(&[1, 0, 0], &[8]), Err(FrameError::CutOff));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same(
            frames in prop::collection::vec((1u8..=2, prop::collection::vec(any::<u8>(), 0..40)), 0..12),
            sizes in prop::collection::vec(1usize..20, 1..8),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(s, d)| frame(*s, d)).collect();
            let of = |wanted| frames.iter().filter(|(s, _)| *s == wanted).flat_map(|(_, d)| d.clone()).collect::<Vec<u8>>();
            prop_assert_eq!(decode(&bytes, &sizes), Ok((of(1), of(2))));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, sizes in prop::collection::vec(1usize..20, 1..8)) {
            let _ = decode(&bytes, &sizes);
        }
    }
}
