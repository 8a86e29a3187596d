//! The commands that change the shell itself.

use super::{Flow, Shell};
use crate::fake::run::{find, programs, signal_number};
use std::time::Duration;

const NAMES: [&str; 16] = [
    ":", "break", "cd", "command", "continue", "exec", "exit", "export", "read", "set", "shift",
    "trap", "type", "umask", "unset", "wait",
];

impl Shell {
    /// Runs a builtin; none if the word is not one.
    pub(super) async fn builtin(&mut self, argv: &[String]) -> Option<Flow> {
        let rest = &argv[1..];
        let first = rest.first().map(String::as_str);
        let flow = match argv[0].as_str() {
            ":" | "set" | "umask" => Flow::Next(0),
            "break" => Flow::Break,
            "continue" => Flow::Continue,
            "exit" => {
                let code = first.map_or(Ok(self.last), str::parse);
                Flow::Exit(code.unwrap_or(2) & 0xff)
            }
            "cd" => Flow::Next(self.change_directory(first).await),
            "export" => {
                for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                    self.process.environment.insert(name.into(), value.into());
                }
                Flow::Next(0)
            }
            "unset" => {
                for name in rest {
                    self.process.environment.remove(name);
                }
                Flow::Next(0)
            }
            "shift" => {
                if self.arguments.len() > 1 {
                    self.arguments.remove(1);
                }
                Flow::Next(0)
            }
            "trap" => {
                let script = first.unwrap_or_default();
                for signal in rest.iter().skip(1).filter_map(|name| signal_number(name)) {
                    let mut traps = self.process.traps();
                    match script {
                        "-" => traps.remove(&signal),
                        _ => traps.insert(signal, script.to_owned()),
                    };
                }
                Flow::Next(0)
            }
            "wait" => {
                self.wait_for_children().await;
                Flow::Next(0)
            }
            "read" => Flow::Next(self.read(first).await),
            "command" if first == Some("-v") => Flow::Next(self.where_is(&rest[1..]).await),
            "type" => Flow::Next(self.where_is(rest).await),
            "command" => return Some(Box::pin(self.without_functions(rest)).await),
            "exec" if rest.is_empty() => Flow::Next(0),
            "exec" => Flow::Exit(programs::run(self.process.clone(), rest.to_vec()).await),
            _ => return None,
        };
        Some(flow)
    }

    async fn without_functions(&mut self, argv: &[String]) -> Flow {
        if argv.is_empty() {
            return Flow::Next(0);
        }
        match self.builtin(argv).await {
            Some(flow) => flow,
            None => Flow::Next(programs::run(self.process.clone(), argv.to_vec()).await),
        }
    }

    async fn change_directory(&mut self, to: Option<&str>) -> i32 {
        let home = self.process.account.home.clone().unwrap_or_default();
        let to = to.map_or(home, str::to_owned);
        let path = self.process.path(&to);
        let found = {
            let tree = self.process.inside.tree();
            let path = tree.resolve(&path, true).ok();
            path.filter(|path| {
                tree.at(path)
                    .is_some_and(crate::fake::node::Node::is_directory)
            })
        };
        if let Some(path) = found {
            self.process.directory = path;
            0
        } else {
            let text = format!("sh: cd: can't cd to {to}: No such file or directory");
            self.process.fail(2, text).await
        }
    }

    /// `command -v`: the first word's place; 127 if it has none.
    async fn where_is(&self, words: &[String]) -> i32 {
        let Some(word) = words.first() else {
            return 0;
        };
        let place = match find::path(&self.process, word) {
            _ if NAMES.contains(&word.as_str()) => word.clone(),
            Ok((path, _)) => path,
            Err(_) => return 127,
        };
        self.process.stdout.write(format!("{place}\n")).await;
        0
    }

    async fn wait_for_children(&self) {
        loop {
            let live = self.process.inside.processes.list();
            if !live.iter().any(|(pid, _)| self.children.contains(pid)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Takes the next piece of input as a line.
    async fn read(&mut self, name: Option<&str>) -> i32 {
        let Some(piece) = self.process.stdin.next().await else {
            return 1;
        };
        let line = String::from_utf8_lossy(&piece);
        let line = line.trim_end_matches('\n').to_owned();
        let name = name.unwrap_or("REPLY").to_owned();
        self.process.environment.insert(name, line);
        0
    }
}
