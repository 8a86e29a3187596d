//! Words: quotes, escapes, and where expansions begin and end.

use super::parse::{Parsed, Parser, parse};
use super::syntax::{Part, Word};

impl Parser {
    pub(super) fn name(&mut self) -> String {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    /// The next word, or none where an operator or the end stands.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        self.blanks();
        let mut word: Word = Vec::new();
        let mut any = false;
        while let Some(letter) = self.peek() {
            match letter {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    let text = self.until('\'')?;
                    word.push(Part::Text(text));
                }
                '"' => self.quoted(&mut word)?,
                '$' | '`' => self.expansion(&mut word, false)?,
                '\\' => {
                    self.at += 1;
                    word.extend(self.peek().map(|letter| Part::Text(letter.into())));
                    self.at += 1;
                }
                _ => {
                    self.at += 1;
                    word.push(Part::Text(letter.into()));
                }
            }
            any = true;
        }
        Ok(any.then_some(word))
    }

    fn until(&mut self, end: char) -> Parsed<String> {
        let start = self.at + 1;
        let length = self.text[start..].iter().position(|letter| *letter == end);
        let Some(length) = length else {
            return Err("syntax error: unterminated quoted string".into());
        };
        self.at = start + length + 1;
        Ok(self.text[start..start + length].iter().collect())
    }

    fn quoted(&mut self, word: &mut Word) -> Parsed<()> {
        self.at += 1;
        word.push(Part::Text(String::new()));
        loop {
            match self.peek() {
                None => return Err("syntax error: unterminated quoted string".into()),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('$' | '`') => self.expansion(word, true)?,
                Some('\\')
                    if self
                        .text
                        .get(self.at + 1)
                        .is_some_and(|next| "$`\"\\".contains(*next)) =>
                {
                    word.push(Part::Text(self.text[self.at + 1].into()));
                    self.at += 2;
                }
                Some(letter) => {
                    word.push(Part::Text(letter.into()));
                    self.at += 1;
                }
            }
        }
    }

    fn expansion(&mut self, word: &mut Word, quoted: bool) -> Parsed<()> {
        if self.peek() == Some('`') {
            let list = parse(&self.until('`')?)?;
            word.push(Part::Output { list, quoted });
            return Ok(());
        }
        self.at += 1;
        if self.take("(") {
            let list = self.list(&[])?;
            if !self.take(")") {
                return Err("syntax error: expecting \")\"".into());
            }
            word.push(Part::Output { list, quoted });
            return Ok(());
        }
        if self.peek() == Some('{') {
            let inner = self.until('}')?;
            let (name, otherwise) = match inner.split_once(":-") {
                Some((name, otherwise)) => (name.to_owned(), Some(otherwise.to_owned())),
                None => (inner, None),
            };
            word.push(Part::Variable {
                name,
                otherwise,
                quoted,
            });
            return Ok(());
        }
        let mut name = match self.peek() {
            Some(letter) if "?$!#@*0123456789".contains(letter) => {
                self.at += 1;
                letter.to_string()
            }
            _ => self.name(),
        };
        if name.is_empty() {
            name.push('$');
            word.push(Part::Text(name));
            return Ok(());
        }
        let otherwise = None;
        word.push(Part::Variable {
            name,
            otherwise,
            quoted,
        });
        Ok(())
    }
}
