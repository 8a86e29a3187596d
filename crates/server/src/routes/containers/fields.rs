//! Fields that several bodies have.

use crate::refusal::Refusal;
use podlane_engine::{InnerPath, UserSpec};

pub(super) fn user(text: Option<&str>) -> Result<Option<UserSpec>, Refusal> {
    text.map(UserSpec::parse)
        .transpose()
        .map_err(Refusal::in_field("user"))
}

pub(super) fn workdir(text: Option<&str>) -> Result<Option<InnerPath>, Refusal> {
    text.map(InnerPath::parse)
        .transpose()
        .map_err(Refusal::in_field("workdir"))
}

/// An argument vector: a program, and no NUL, which no argument can hold.
pub(super) fn argv(field: &'static str, words: Vec<String>) -> Result<Vec<String>, Refusal> {
    if words.first().is_none_or(String::is_empty) {
        return Err(Refusal::field(
            field,
            format!("the {field} is empty: its first word must name a program"),
        ));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Refusal::field(
            field,
            format!("the {field} must not contain NUL"),
        ));
    }
    Ok(words)
}
