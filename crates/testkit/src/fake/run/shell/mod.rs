//! A shell, as much of one as tests need. [`parse`] says which part of the grammar it knows.

mod builtins;
mod lex;
mod parse;
mod simple;
mod syntax;
mod words;

use super::{Process, Sink, Stdin, background};
use futures_util::future::{BoxFuture, join};
use syntax::{Command, Item, List, Pipeline};
use tokio::sync::mpsc;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// With this code; the next command follows.
    Next(i32),
    /// By `exit`, `exec` or a lost reader: the shell ends.
    Exit(i32),
    /// By `break`.
    Break,
    /// By `continue`.
    Continue,
}

impl Flow {
    fn code(self) -> i32 {
        match self {
            Self::Next(code) | Self::Exit(code) => code,
            Self::Break | Self::Continue => 0,
        }
    }
}

/// A shell at work.
#[derive(Debug, Clone)]
struct Shell {
    process: Process,
    /// `$0`, `$1` ...
    arguments: Vec<String>,
    /// `$?`
    last: i32,
    /// PIDs that `wait` waits for; the last is `$!`.
    children: Vec<u32>,
}

/// `sh -c SCRIPT [NAME [ARG...]]`, `sh FILE [ARG...]` or a script from the input.
pub(super) async fn main(process: Process, argv: Vec<String>) -> i32 {
    let mut words = argv.iter().skip(1).cloned().peekable();
    let mut script = None;
    while let Some(option) = words
        .peek()
        .filter(|word| word.starts_with('-') && word.len() > 1)
    {
        let is_script = option.ends_with('c');
        words.next();
        if is_script {
            script = Some(words.next().unwrap_or_default());
            break;
        }
    }
    let name = argv.first().cloned().unwrap_or_default();
    if let Some(script) = script {
        let mut arguments: Vec<String> = words.collect();
        if arguments.is_empty() {
            arguments.push(name);
        }
        return run_text(process, &script, arguments).await;
    }
    let arguments: Vec<String> = words.collect();
    let text = if let Some(file) = arguments.first() {
        let content = super::file_programs::open(&process, file).await;
        match content {
            Ok(content) => content.to_vec(),
            Err(_) => return process.fail(2, format!("sh: can't open '{file}'")).await,
        }
    } else {
        let mut text = Vec::new();
        while let Some(piece) = process.stdin.next().await {
            text.extend_from_slice(&piece);
        }
        text
    };
    let arguments = if arguments.is_empty() {
        vec![name]
    } else {
        arguments
    };
    run_text(process, &String::from_utf8_lossy(&text), arguments).await
}

/// Runs a script to its end.
pub(super) async fn run_text(process: Process, script: &str, arguments: Vec<String>) -> i32 {
    match parse::parse(script) {
        Ok(list) => run(process, list, arguments).await,
        Err(error) => process.fail(2, format!("sh: {error}")).await,
    }
}

/// Runs a parsed script to its end.
fn run(process: Process, list: List, arguments: Vec<String>) -> BoxFuture<'static, i32> {
    Box::pin(async move {
        let mut shell = Shell {
            process,
            arguments,
            last: 0,
            children: Vec::new(),
        };
        shell.list(&list).await.code()
    })
}

/// Runs a trap's script; the code if it ends the process.
pub(super) async fn run_trap(process: Process, script: &str) -> Option<i32> {
    let list = parse::parse(script).ok()?;
    let mut shell = Shell {
        process,
        arguments: vec!["sh".into()],
        last: 0,
        children: Vec::new(),
    };
    match shell.list(&list).await {
        Flow::Exit(code) => Some(code),
        _ => None,
    }
}

impl Shell {
    fn list<'a>(&'a mut self, list: &'a List) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            for item in list {
                if item.background {
                    self.send_to_background(item);
                    self.last = 0;
                    continue;
                }
                match self.item(item).await {
                    Flow::Next(code) => self.last = code,
                    end => return end,
                }
            }
            Flow::Next(self.last)
        })
    }

    async fn item(&mut self, item: &Item) -> Flow {
        let mut flow = self.pipeline(&item.first).await;
        for (and, pipeline) in &item.rest {
            let Flow::Next(code) = flow else {
                return flow;
            };
            self.last = code;
            if (code == 0) == *and {
                flow = self.pipeline(pipeline).await;
            }
        }
        flow
    }

    fn send_to_background(&mut self, item: &Item) {
        let list = vec![Item {
            background: false,
            ..item.clone()
        }];
        let argv = vec!["sh".to_owned(), "-c".to_owned(), "(background)".to_owned()];
        let arguments = self.arguments.clone();
        let work = |process| run(process, list, arguments);
        let pid = background(&self.process, argv, work);
        self.children.push(pid);
    }

    async fn pipeline(&mut self, pipeline: &Pipeline) -> Flow {
        let flow = match &pipeline.commands[..] {
            [command] => self.command(command).await,
            commands => Flow::Next(self.piped(commands).await),
        };
        match flow {
            Flow::Next(code) if pipeline.negated => Flow::Next(i32::from(code == 0)),
            flow => flow,
        }
    }

    /// Every command of a pipeline in a shell of its own, all at once.
    fn piped<'a>(&'a self, commands: &'a [Command]) -> BoxFuture<'a, i32> {
        Box::pin(async move {
            let mut first = self.clone();
            let Some((head, tail)) = commands.split_first() else {
                return 0;
            };
            if tail.is_empty() {
                return first.command(head).await.code();
            }
            let mut second = self.clone();
            let (to, from) = mpsc::channel(4);
            first.process.stdout = Sink::Pipe(to);
            second.process.stdin = Stdin::channel(from);
            let left = async move { first.command(head).await.code() };
            let right = async move { second.piped(tail).await };
            join(left, right).await.1
        })
    }

    async fn command(&mut self, command: &Command) -> Flow {
        match command {
            Command::Simple(words, redirects) => self.simple(words, redirects).await,
            Command::Group(list, redirects) => {
                let mut inner = self.clone();
                if let Err(code) = inner.redirect(redirects).await {
                    return Flow::Next(code);
                }
                let flow = inner.list(list).await;
                self.process.directory = inner.process.directory;
                self.process.environment = inner.process.environment;
                flow
            }
            Command::If(branches, otherwise) => {
                for (condition, body) in branches {
                    match self.list(condition).await {
                        Flow::Next(0) => return self.list(body).await,
                        Flow::Next(_) => {}
                        end => return end,
                    }
                }
                self.last = 0;
                self.list(otherwise).await
            }
            Command::While(until, condition, body) => loop {
                match self.list(condition).await {
                    Flow::Next(code) if (code == 0) == *until => return Flow::Next(0),
                    Flow::Next(_) => {}
                    end => return end,
                }
                match self.list(body).await {
                    Flow::Next(_) | Flow::Continue => {}
                    Flow::Break => return Flow::Next(0),
                    end @ Flow::Exit(_) => return end,
                }
                tokio::task::yield_now().await;
            },
            Command::For(name, words, body) => {
                for value in self.expand_all(words).await {
                    self.process.environment.insert(name.clone(), value);
                    match self.list(body).await {
                        Flow::Next(_) | Flow::Continue => {}
                        Flow::Break => break,
                        end @ Flow::Exit(_) => return end,
                    }
                }
                Flow::Next(self.last)
            }
        }
    }
}
