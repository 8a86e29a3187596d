//! Tar archives as they pass: read and written entry by entry, never held.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod head;
mod reader;
mod rules;
mod writer;

pub(crate) use head::{Head, HeadKind};
pub(crate) use reader::Reader;
pub(super) use rules::{Rules, Wrong};
pub(super) use writer::{end, head, padding};

/// What an archive is made of.
const BLOCK: usize = 512;
