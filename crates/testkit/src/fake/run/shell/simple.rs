//! A simple command: assignments, redirections, then a builtin or a program.

use super::syntax::{Redirect, Target, Word};
use super::{Flow, Shell, words};
use crate::fake::run::{Process, Sink, Stdin, file_programs, programs};

impl Shell {
    pub(super) async fn simple(&mut self, words: &[Word], redirects: &[Redirect]) -> Flow {
        let assignments = words
            .iter()
            .take_while(|word| words::assignment(word).is_some());
        let count = assignments.count();
        let mut assigned = Vec::new();
        for (name, word) in words[..count].iter().filter_map(words::assignment) {
            assigned.push((name, self.expand_one(&word).await));
        }
        let argv = self.expand_all(&words[count..]).await;
        let saved = self.process.clone();
        if let Err(code) = self.redirect(redirects).await {
            self.process = saved;
            return Flow::Next(code);
        }
        self.process.environment.extend(assigned);
        if argv.is_empty() {
            let environment = std::mem::take(&mut self.process.environment);
            self.process = Process {
                environment,
                ..saved
            };
            return Flow::Next(self.last);
        }
        if argv == ["exec"] {
            return Flow::Next(0);
        }
        if let Some(flow) = self.builtin(&argv).await {
            // Directory and variables are the shell's own; only the redirections end here.
            self.process.stdin = saved.stdin;
            self.process.stdout = saved.stdout;
            self.process.stderr = saved.stderr;
            return flow;
        }
        let code = programs::run(self.process.clone(), argv).await;
        self.process = saved;
        // A writer that nobody reads ends with SIGPIPE, and so does the shell that waits for it.
        if code == 141 {
            Flow::Exit(code)
        } else {
            Flow::Next(code)
        }
    }

    /// Applies redirections, or says what is wrong and gives the code.
    pub(super) async fn redirect(&mut self, redirects: &[Redirect]) -> Result<(), i32> {
        for redirect in redirects {
            let (word, append) = match &redirect.target {
                Target::Write(word) => (word, Some(false)),
                Target::Append(word) => (word, Some(true)),
                Target::Read(word) | Target::Same(word) => (word, None),
            };
            let name = self.expand_one(word).await;
            let path = self.process.path(&name);
            let who = self.process.account.who;
            if let Some(append) = append {
                let opened = self.process.inside.tree().write(&path, b"", append, who);
                if let Err(error) = opened {
                    let text = format!("sh: can't create {name}: {}", error.text());
                    return Err(self.process.fail(1, text).await);
                }
                let sink = match name.as_str() {
                    "/dev/null" => Sink::Null,
                    _ => Sink::File(self.process.inside.clone(), path, who),
                };
                *self.sink(redirect.descriptor) = sink;
            } else if let Target::Same(_) = redirect.target {
                let other = name.parse().unwrap_or(1);
                let sink = self.sink(other).clone();
                *self.sink(redirect.descriptor) = sink;
            } else {
                match file_programs::open(&self.process, &name).await {
                    Ok(content) => self.process.stdin = Stdin::content(content),
                    Err(error) => {
                        let text = format!("sh: can't open {name}: {}", error.text());
                        return Err(self.process.fail(1, text).await);
                    }
                }
            }
        }
        Ok(())
    }

    fn sink(&mut self, descriptor: u8) -> &mut Sink {
        match descriptor {
            2 => &mut self.process.stderr,
            _ => &mut self.process.stdout,
        }
    }
}
