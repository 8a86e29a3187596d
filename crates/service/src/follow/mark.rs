//! How an event of a log is named: the container, and how far its log had come.
//!
//! A name can be given to another container; what a reader has of the first one's log says nothing about the
//! second one's.

use podlane_engine::ContainerId;
use std::fmt;

/// Digits of an ID that are enough to tell containers apart.
const DIGITS: usize = 12;

/// A place in the log of one container, as `ID.BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMark {
    container: String,
    at: u64,
}

impl LogMark {
    pub(super) fn new(container: &ContainerId, at: u64) -> Self {
        Self {
            container: container.short().to_owned(),
            at,
        }
    }

    /// Understands one; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (container, at) = text.split_once('.')?;
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if container.len() != DIGITS || !container.bytes().all(hex) || !digits(at) {
            return None;
        }
        Some(Self {
            container: container.to_owned(),
            at: at.parse().ok()?,
        })
    }

    /// How much of a container's log is known to who has it: nothing of that of another one.
    pub(super) fn known_of(&self, container: &ContainerId) -> u64 {
        if self.container == container.short() {
            self.at
        } else {
            0
        }
    }
}

impl fmt::Display for LogMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.container, self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_container() {
        let id = |digit: &str| ContainerId::parse(&digit.repeat(64)).expect("an ID");
        let mark = LogMark::new(&id("a"), 4711);
        assert_eq!(mark.to_string(), "aaaaaaaaaaaa.4711");
        assert_eq!(LogMark::parse(&mark.to_string()), Some(mark.clone()));
        assert_eq!(
            (mark.known_of(&id("a")), mark.known_of(&id("b"))),
            (4711, 0)
        );
    }

    #[test]
    fn what_is_no_mark() {
        for text in [
            "",
            "7",
            ".7",
            "aaaaaaaaaaaa",
            "aaaaaaaaaaaa.",
            "aaaaaaaaaaaa.-1",
            "aaaaaaaaaaaa.+1",
            "aaaaaaaaaaaa.1.2",
            "aaaaaaaaaaaa. 1",
            "AAAAAAAAAAAA.1",
            "aaaaaaaaaaa.1",
            "aaaaaaaaaaaaa.1",
            "gggggggggggg.1",
            "aaaaaaaaaaaa.18446744073709551616",
        ] {
            assert_eq!(LogMark::parse(text), None, "{text}");
        }
    }
}
