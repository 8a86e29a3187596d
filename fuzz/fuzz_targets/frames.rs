//! The decoder of exec and log streams: however a stream is cut into pieces, it says the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use podlane_engine::Source;
use podlane_podman::{FrameDecoder, FrameError};

fn decode(data: &[u8], piece: usize) -> (Vec<(Source, u8)>, Result<(), FrameError>) {
    let mut decoder = FrameDecoder::default();
    let mut out = Vec::new();
    for piece in data.chunks(piece) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(chunk)) => {
                    assert!(!chunk.data.is_empty());
                    out.extend(chunk.data.iter().map(|byte| (chunk.source, *byte)));
                }
                Ok(None) => break,
                Err(error) => return (out, Err(error)),
            }
        }
    }
    (out, decoder.finish())
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, data) = input;
    let whole = decode(data, data.len().max(1));
    assert_eq!(whole, decode(data, usize::from(piece).max(1)));
    assert!(whole.0.len() <= data.len());
});
