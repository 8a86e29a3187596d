//! IDs of pods; their names are with those of other things that the engine keeps.

use super::container::is_full_id;
use super::{InvalidName, PodName, shown, text_type};
use std::fmt;

/// A pod's full ID: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodId(String);

impl PodId {
    /// Checks a full ID.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_full_id(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(format!(
            "\"{}\" is not a full pod ID",
            shown(text)
        )))
    }

    /// Its first 12 digits, as people and answers write it.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}
text_type!(PodId);

impl From<&PodId> for PodName {
    fn from(id: &PodId) -> Self {
        Self::of_id(&id.0)
    }
}
