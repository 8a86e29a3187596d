//! What the query of a terminal says.

use super::super::fields;
use super::container::CONTAINER;
use crate::extract::{Parameters, QueryShape};
use crate::refusal::Refusal;
use crate::terminal::View;
use podlane_engine::{Command, TerminalSize};
use podlane_service::{Input, NewExec};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time limit of a command: 30 days.
const LONGEST: f64 = 30.0 * 86_400.0;
/// The container's shell with somebody at its terminal.
const SHELL: &str = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

/// A command to run over a WebSocket.
#[derive(Debug)]
pub(crate) struct NewTerminal {
    pub(super) exec: NewExec,
    pub(super) view: View,
    /// Whether the first message says more.
    pub(super) configure: bool,
    pub(super) container: Option<String>,
}

impl QueryShape for NewTerminal {
    const NAMES: &'static [&'static str] = &[
        "command",
        "shell",
        "tty",
        "columns",
        "rows",
        "stdin",
        "stdout",
        "stderr",
        "user",
        "workdir",
        "timeout",
        "agent",
        "configure",
        CONTAINER,
    ];
    const REPEATED: &'static [&'static str] = &["command"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let tty = parameters.flag("tty")?.unwrap_or(true);
        let size = size(parameters)?;
        if size.is_some() && !tty {
            let field = if parameters.get("columns").is_some() {
                "columns"
            } else {
                "rows"
            };
            return Err(Refusal::field(field, "only a terminal (`tty`) has a size"));
        }
        let mut environment = BTreeMap::new();
        if tty {
            // What the emulators in web pages are. Podman itself says it from version to version anew.
            environment.insert("TERM".to_owned(), "xterm-256color".to_owned());
        }
        Ok(Self {
            exec: NewExec {
                command: command(parameters)?,
                user: fields::user(parameters.get("user"))?,
                workdir: fields::workdir(parameters.get("workdir"))?,
                environment,
                stdin: match parameters.flag("stdin")? {
                    Some(false) => Input::Empty,
                    _ => Input::Open,
                },
                terminal: tty.then(|| size.unwrap_or(TerminalSize::USUAL)),
                timeout: timeout(parameters)?,
                agent: parameters.flag("agent")?.unwrap_or(true),
            },
            view: View {
                interactive: tty,
                stdout: parameters.flag("stdout")?.unwrap_or(true),
                stderr: parameters.flag("stderr")?.unwrap_or(true),
            },
            configure: parameters.flag("configure")?.unwrap_or(false),
            container: parameters.get(CONTAINER).map(str::to_owned),
        })
    }
}

fn command(parameters: &Parameters) -> Result<Command, Refusal> {
    match (parameters.all("command"), parameters.get("shell")) {
        ([], None) => Ok(Command::Argv(["sh", "-c", SHELL].map(Into::into).to_vec())),
        (words, None) => fields::argv("command", words.to_vec()).map(Command::Argv),
        ([], Some(line)) if !line.trim().is_empty() && !line.contains('\0') => {
            Ok(Command::Shell(line.to_owned()))
        }
        ([], Some(_)) => Err(Refusal::field(
            "shell",
            "`shell` must be a line for the shell, without NUL",
        )),
        (_, Some(_)) => Err(Refusal::field(
            "shell",
            "`shell` and `command` exclude each other",
        )),
    }
}

pub(super) fn size(parameters: &Parameters) -> Result<Option<TerminalSize>, Refusal> {
    let number = |name: &'static str, usual| -> Result<u16, Refusal> {
        let Some(text) = parameters.get(name) else {
            return Ok(usual);
        };
        let number = text.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| Refusal::field(name, format!("`{name}` must be 1 to 65535")))
    };
    let size = TerminalSize {
        columns: number("columns", TerminalSize::USUAL.columns)?,
        rows: number("rows", TerminalSize::USUAL.rows)?,
    };
    let said = parameters.get("columns").or(parameters.get("rows"));
    Ok(said.map(|_| size))
}

fn timeout(parameters: &Parameters) -> Result<Option<Duration>, Refusal> {
    let Some(text) = parameters.get("timeout") else {
        return Ok(None);
    };
    let seconds = text.parse().ok();
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST);
    let limit = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    match limit.filter(|limit| !limit.is_zero()) {
        Some(limit) => Ok(Some(limit)),
        None => Err(Refusal::field(
            "timeout",
            "`timeout` must be a number of seconds above 0, at most 2592000 (30 days)",
        )),
    }
}
