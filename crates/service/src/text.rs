//! Bytes of a process as text: no character is ever cut in two.

use podlane_engine::Source;
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time of a line in a log: RFC 3339 in UTC, as exactly as it is known.
pub fn log_time(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time).format(&Rfc3339);
    time.unwrap_or_default()
}

/// Turns a command's two outputs into text, each for itself.
#[derive(Debug, Default)]
pub struct Texts([Decoder; 2]);

impl Texts {
    /// The text of a piece of output; empty while its only character is not whole yet.
    pub fn push(&mut self, source: Source, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        self.of(source).push(bytes, &mut text);
        text
    }

    /// What is left at the end of an output: U+FFFD for a character that never became whole.
    pub fn finish(&mut self, source: Source) -> String {
        let mut text = String::new();
        self.of(source).finish(false, &mut text);
        text
    }

    fn of(&mut self, source: Source) -> &mut Decoder {
        match source {
            Source::Stdout => &mut self.0[0],
            Source::Stderr => &mut self.0[1],
        }
    }
}

/// Turns one stream of bytes into text, piece by piece. A character that is cut at the end of a piece
/// waits for the next one; what is not UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The first bytes of a character whose rest has not come yet; at most three.
    held: Vec<u8>,
}

impl Decoder {
    /// Appends the text of `bytes` to `text`.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) {
        let joined;
        let mut rest = bytes;
        if !self.held.is_empty() {
            self.held.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.held);
            rest = &joined;
        }
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return;
                }
                Err(error) => {
                    let (valid, bad) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(length) = error.error_len() else {
                        self.held.extend_from_slice(bad);
                        return;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &bad[length..];
                }
            }
        }
    }

    /// Ends the stream: a character that never became whole is U+FFFD, unless the stream was `cut`
    /// by us, then it is left out.
    pub fn finish(&mut self, cut: bool, text: &mut String) {
        if !self.held.is_empty() && !cut {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]], cut: bool) -> String {
        let mut decoder = Decoder::default();
        let mut text = String::new();
        for piece in pieces {
            decoder.push(piece, &mut text);
        }
        decoder.finish(cut, &mut text);
        text
    }

    #[test]
    fn a_character_in_two_pieces_stays_one() {
        let euro = "€".as_bytes();
        assert_eq!(decode(&[&euro[..1], &euro[1..2], &euro[2..]], false), "€");
        assert_eq!(decode(&[b"a", &euro[..2]], true), "a");
        assert_eq!(decode(&[b"a", &euro[..2]], false), "a\u{fffd}");
        assert_eq!(decode(&[b"a\xffb"], false), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(bytes: Vec<u8>, at in 0usize..64, second in 0usize..64) {
            let at = at.min(bytes.len());
            let second = second.clamp(at, bytes.len().max(at));
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(decode(&[&bytes[..at], &bytes[at..second], &bytes[second..]], false), whole);
        }
    }
}
