//! A token as its holder has it: `pdl_`, 12 hexadecimal digits that are its ID, `_`, 40 that are its secret,
//! and 8 that are the CRC-32 of what stands before. The prefix lets scanners find one that leaked, and the
//! check tells a mistyped one without a look at any that are kept.

use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write as _;

const PREFIX: &str = "pdl_";
const ID: usize = 12;
const SECRET: usize = 40;
const CHECK: usize = 8;
const LENGTH: usize = PREFIX.len() + ID + 1 + SECRET + CHECK;

/// A token's text. `Debug` shows its ID only.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({})", self.id())
    }
}

impl TokenText {
    /// A new one, of an ID that is there or of a new one.
    pub(super) fn make(id: Option<&str>) -> Result<Self, getrandom::Error> {
        // Two digits a byte.
        let mut bits = [0_u8; 26];
        getrandom::fill(&mut bits)?;
        let hex = bits.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let (new, secret) = hex.split_at(ID);
        let mut text = format!("{PREFIX}{}_{secret}", id.unwrap_or(new));
        let check = crc32fast::hash(text.as_bytes());
        let _ = write!(text, "{check:08x}");
        Ok(Self(text))
    }

    /// A text that is a token in form.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let rest = text.strip_prefix(PREFIX)?.as_bytes();
        let form = text.len() == LENGTH
            && rest[ID] == b'_'
            && rest
                .iter()
                .enumerate()
                .all(|(at, byte)| at == ID || hex(*byte));
        if !form {
            return None;
        }
        let (body, check) = text.split_at(LENGTH - CHECK);
        let right = u32::from_str_radix(check, 16) == Ok(crc32fast::hash(body.as_bytes()));
        right.then(|| Self(text.to_owned()))
    }

    /// Its public part.
    pub fn id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + ID]
    }

    /// The whole of it, for its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. It has 160 random bits, so that a fast hash is enough.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// Whether a text could be a token's ID.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_made_is_read_and_never_shown() {
        let token = TokenText::make(None).expect("made");
        assert_eq!(TokenText::parse(token.reveal()), Some(token.clone()));
        assert!(is_id(token.id()));
        assert!(!format!("{token:?}").contains(&token.reveal()[20..]));
        let renewed = TokenText::make(Some(token.id())).expect("made");
        assert_eq!(renewed.id(), token.id());
        assert_ne!(renewed.hash(), token.hash());
    }

    proptest! {
        #[test]
        fn a_mistyped_one_is_none(at in 0..LENGTH, by in "[ -~]") {
            let token = TokenText::make(None).expect("made");
            let mut text = token.reveal().to_owned();
            text.replace_range(at..=at, &by);
            prop_assert_eq!(TokenText::parse(&text).is_some(), text == token.reveal());
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            prop_assert!(TokenText::parse(&text).is_none());
        }
    }
}
