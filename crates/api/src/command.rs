//! A command in its two forms.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A command: one line, or its words.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Command {
    /// One line. To create a container it is split into words like a POSIX shell would; to execute, the
    /// container's shell reads it.
    Line(String),
    /// The argument vector, used as it is.
    Words(Vec<String>),
}

impl fmt::Debug for Command {
    /// Shows no word of it: command lines carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "Line({} bytes)", line.len()),
            Self::Words(words) => write!(f, "Words({} words)", words.len()),
        }
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CommandVisitor)
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, line: &str) -> Result<Command, E> {
        Ok(Command::Line(line.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Command, A::Error> {
        let mut all = Vec::new();
        while let Some(word) = words.next_element()? {
            all.push(word);
        }
        Ok(Command::Words(all))
    }
}
