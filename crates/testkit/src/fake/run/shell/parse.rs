//! The shell's grammar, a small part of POSIX's: lists, pipelines, `if`, `while`, `for`, groups,
//! redirections, quotes and expansions. No here-documents, functions, `case` or arithmetic.

use super::syntax::{Command, Item, List, Pipeline, Redirect, Target, Word};

/// Parses a script; the error is what the shell says of it.
pub(super) fn parse(text: &str) -> Result<List, String> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
    };
    let list = parser.list(&[])?;
    match parser.peek() {
        None => Ok(list),
        Some(found) => Err(format!("syntax error: unexpected \"{found}\"")),
    }
}

/// A script and how far it is read.
#[derive(Debug)]
pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
}

pub(super) type Parsed<T> = Result<T, String>;

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn sees(&self, text: &str) -> bool {
        let mut rest = self.text[self.at.min(self.text.len())..].iter();
        text.chars().all(|letter| rest.next() == Some(&letter))
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let seen = self.sees(text);
        if seen {
            self.at += text.chars().count();
        }
        seen
    }

    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.at += 1,
                Some('\\') if self.sees("\\\n") => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn lines(&mut self) {
        self.blanks();
        while matches!(self.peek(), Some('\n')) {
            self.at += 1;
            self.blanks();
        }
    }

    /// The reserved word at hand, if it is one.
    fn keyword(&self) -> Option<String> {
        let rest = &self.text[self.at.min(self.text.len())..];
        let word = rest
            .iter()
            .take_while(|letter| !" \t\n;&|()<>".contains(**letter));
        let word: String = word.collect();
        let reserved = [
            "if", "then", "elif", "else", "fi", "while", "until", "for", "in", "do", "done", "{",
            "}", "!",
        ];
        reserved.contains(&word.as_str()).then_some(word)
    }

    fn expect(&mut self, word: &str) -> Parsed<()> {
        self.lines();
        if self.keyword().as_deref() == Some(word) && self.take(word) {
            return Ok(());
        }
        Err(format!("syntax error: expecting \"{word}\""))
    }

    /// A list up to one of the reserved words, or to `)`, or to the end.
    pub(super) fn list(&mut self, ends: &[&str]) -> Parsed<List> {
        let mut list = Vec::new();
        loop {
            self.lines();
            let stop = self
                .keyword()
                .is_some_and(|word| ends.contains(&word.as_str()));
            if stop || matches!(self.peek(), None | Some(')')) {
                return Ok(list);
            }
            let mut item = Item {
                first: self.pipeline()?,
                rest: Vec::new(),
                background: false,
            };
            loop {
                self.blanks();
                let and = self.sees("&&");
                if !and && !self.sees("||") {
                    break;
                }
                self.at += 2;
                self.lines();
                item.rest.push((and, self.pipeline()?));
            }
            item.background = self.take("&");
            let separated = item.background || self.take(";") || self.peek() == Some('\n');
            list.push(item);
            if !separated {
                return Ok(list);
            }
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        self.blanks();
        let negated = self.keyword().as_deref() == Some("!") && self.take("!");
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.sees("||") || !self.take("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.lines();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        if self.take("(") {
            let list = self.list(&[])?;
            if !self.take(")") {
                return Err("syntax error: expecting \")\"".into());
            }
            return Ok(Command::Group(list, self.redirects()?));
        }
        match self.keyword().as_deref() {
            Some("if") => self.conditional(),
            Some(word @ ("while" | "until")) => {
                self.at += word.len();
                let condition = self.list(&["do"])?;
                Ok(Command::While(word == "until", condition, self.body()?))
            }
            Some("for") => {
                self.at += 3;
                self.blanks();
                let name = self.name();
                let mut words = Vec::new();
                self.blanks();
                if self.keyword().as_deref() == Some("in") {
                    self.at += 2;
                    while let Some(word) = self.word()? {
                        words.push(word);
                    }
                }
                self.take(";");
                Ok(Command::For(name, words, self.body()?))
            }
            Some("{") => {
                self.at += 1;
                let list = self.list(&["}"])?;
                self.expect("}")?;
                Ok(Command::Group(list, self.redirects()?))
            }
            Some(word) => Err(format!("syntax error: unexpected \"{word}\"")),
            None => self.simple(),
        }
    }

    fn conditional(&mut self) -> Parsed<Command> {
        self.at += 2;
        let mut branches = Vec::new();
        let mut last = Vec::new();
        loop {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            branches.push((condition, self.list(&["elif", "else", "fi"])?));
            if self.keyword().as_deref() != Some("elif") {
                break;
            }
            self.at += 4;
        }
        if self.keyword().as_deref() == Some("else") {
            self.at += 4;
            last = self.list(&["fi"])?;
        }
        self.expect("fi")?;
        Ok(Command::If(branches, last))
    }

    fn body(&mut self) -> Parsed<List> {
        self.expect("do")?;
        let list = self.list(&["done"])?;
        self.expect("done")?;
        Ok(list)
    }

    fn simple(&mut self) -> Parsed<Command> {
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        loop {
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            } else if let Some(word) = self.word()? {
                words.push(word);
            } else if words.is_empty() && redirects.is_empty() {
                let found = self.peek().map_or("end of file".into(), String::from);
                return Err(format!("syntax error: unexpected \"{found}\""));
            } else {
                return Ok(Command::Simple(words, redirects));
            }
        }
    }

    fn redirects(&mut self) -> Parsed<Vec<Redirect>> {
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(redirects)
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        self.blanks();
        let start = self.at;
        let digit = self.peek().and_then(|letter| letter.to_digit(10));
        self.at += usize::from(digit.is_some());
        let make: fn(Word) -> Target = match () {
            () if self.take(">>") => Target::Append,
            () if self.take(">&") => Target::Same,
            () if self.take(">") => Target::Write,
            () if self.take("<&") => Target::Same,
            () if self.take("<") => Target::Read,
            () => {
                self.at = start;
                return Ok(None);
            }
        };
        let reads = self.text[self.at - 1] == '<';
        let given = digit.and_then(|digit| u8::try_from(digit).ok());
        let descriptor = given.unwrap_or(u8::from(!reads));
        let word = self.word()?.ok_or("syntax error: redirection unexpected")?;
        let target = make(word);
        Ok(Some(Redirect { descriptor, target }))
    }
}
