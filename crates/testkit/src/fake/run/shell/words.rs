//! Expansion of words: variables, arguments and command output; fields where nothing is quoted.

use super::Shell;
use super::syntax::{Part, Word};
use crate::fake::run::Sink;
use std::sync::{Arc, Mutex, PoisonError};

/// `NAME=...` taken apart.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let mut name = String::new();
    for (at, part) in word.iter().enumerate() {
        match part {
            Part::Text(text) if text == "=" && !name.is_empty() => {
                return Some((name, word[at + 1..].to_vec()));
            }
            Part::Text(text) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                name.push_str(text);
            }
            _ => return None,
        }
    }
    None
}

impl Shell {
    /// The fields that words expand to.
    pub(super) async fn expand_all(&mut self, words: &[Word]) -> Vec<String> {
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.expand(word).await);
        }
        fields
    }

    /// A word as one field.
    pub(super) async fn expand_one(&mut self, word: &Word) -> String {
        self.expand(word).await.join(" ")
    }

    async fn expand(&mut self, word: &Word) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        // Whether the next piece goes on with the last field.
        let mut open = false;
        let append = |fields: &mut Vec<String>, text: &str, open: &mut bool| {
            match fields.last_mut().filter(|_| *open) {
                Some(field) => field.push_str(text),
                None => fields.push(text.to_owned()),
            }
            *open = true;
        };
        for part in word {
            let (value, quoted) = match part {
                Part::Text(text) => (text.clone(), true),
                Part::Variable { name, quoted, .. } if name == "@" && *quoted => {
                    let rest = self.arguments.get(1..).unwrap_or_default();
                    for (at, argument) in rest.iter().enumerate() {
                        open &= at == 0;
                        append(&mut fields, argument, &mut open);
                    }
                    continue;
                }
                Part::Variable {
                    name,
                    otherwise,
                    quoted,
                } => {
                    let value = self.variable(name);
                    let value = match otherwise {
                        Some(otherwise) if value.is_empty() => otherwise.clone(),
                        _ => value,
                    };
                    (value, *quoted)
                }
                Part::Output { list, quoted } => (self.output(list).await, *quoted),
            };
            if quoted {
                append(&mut fields, &value, &mut open);
                continue;
            }
            for (at, field) in value.split_whitespace().enumerate() {
                open &= at == 0 && !value.starts_with(char::is_whitespace);
                append(&mut fields, field, &mut open);
            }
            open &= !value.ends_with(char::is_whitespace);
        }
        fields
    }

    fn variable(&self, name: &str) -> String {
        match name {
            "?" => self.last.to_string(),
            "$" => self.process.pid.to_string(),
            "!" => self
                .children
                .last()
                .map(ToString::to_string)
                .unwrap_or_default(),
            "#" => self.arguments.len().saturating_sub(1).to_string(),
            "@" | "*" => self.arguments.get(1..).unwrap_or_default().join(" "),
            "PWD" => self.process.directory.clone(),
            name => match name.parse::<usize>() {
                Ok(at) => self.arguments.get(at).cloned().unwrap_or_default(),
                Err(_) => self
                    .process
                    .environment
                    .get(name)
                    .cloned()
                    .unwrap_or_default(),
            },
        }
    }

    async fn output(&mut self, list: &super::syntax::List) -> String {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        let mut inner = self.clone();
        inner.process.stdout = Sink::Buffer(Arc::clone(&buffer));
        self.last = inner.list(list).await.code();
        let buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&buffer);
        text.trim_end_matches('\n').to_owned()
    }
}
