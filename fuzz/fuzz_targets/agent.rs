//! The agent's protocol, as either side reads the other: hostile bytes are refused or mean something that
//! can be written again, however they are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_agent::mux::{Frame, MAX_FROM_AGENT};
use podlane_agent::{Decoder, Reply, Request};

/// What a decoder makes of the bytes, whole frames and the refusal after them.
fn frames(data: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = Decoder::new(MAX_FROM_AGENT);
    let mut found = Vec::new();
    for piece in data.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(body)) => found.push(body.to_vec()),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

/// The body of what was written.
fn body(frame: &[u8]) -> &[u8] {
    &frame[4..]
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, data) = input;
    let whole = frames(data, data.len().max(1));
    assert_eq!(whole, frames(data, usize::from(piece).max(1)));
    for found in whole.0 {
        if let Ok(request) = Request::decode(&found) {
            assert!(Request::decode(body(&request.encode())) == Ok(request));
        }
        if let Ok(Reply::Terminated { .. }) = Reply::decode(&found) {
            // Written shorter than it may be read.
        } else if let Ok(reply) = Reply::decode(&found) {
            assert!(Reply::decode(body(&reply.encode())) == Ok(reply));
        }
        if let Ok(frame) = Frame::decode(&found) {
            let again = frame.encode();
            assert!(Frame::decode(body(&again)).is_ok());
        }
    }
});
