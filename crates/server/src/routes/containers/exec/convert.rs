//! An exec's body to the service's noun, and its end to the answer.

use super::super::{environment, fields};
use crate::refusal::Refusal;
use crate::stream::convert::{end, terminal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ExecCommand, Execution, OutputEncoding};
use podlane_engine::{Command, Source};
use podlane_service::{Input, NewExec};
use std::time::Duration;

/// The longest time-out of a command that outlives its request.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a body. A time-out above the request's own `limit` is refused; without one, above a day.
pub(super) fn new_exec(body: ExecCommand, limit: Option<Duration>) -> Result<NewExec, Refusal> {
    let stdin = stdin(&body)?;
    let terminal = body.terminal.map(|size| terminal("terminal.", size));
    Ok(NewExec {
        command: command(body.command)?,
        user: fields::user(body.user.as_deref())?,
        workdir: fields::workdir(body.workdir.as_deref())?,
        environment: environment::variables(body.environment)?,
        stdin,
        terminal: terminal.transpose()?,
        timeout: timeout(body.timeout, limit)?,
        agent: body.agent.unwrap_or(true),
    })
}

/// What it reads; what makes sense in the background alone is refused elsewhere.
fn stdin(body: &ExecCommand) -> Result<Input, Refusal> {
    let open = body.stdin_open == Some(true);
    if body.detach != Some(true) {
        for (field, given) in [("terminal", body.terminal.is_some()), ("stdin_open", open)] {
            if given {
                let message = format!("`{field}` is for commands in the background: add `detach`");
                return Err(Refusal::field(field, message));
            }
        }
    }
    match &body.stdin {
        Some(_) if open => {
            let message = "give `stdin`, or `stdin_open` and write to it later, but not both";
            Err(Refusal::field("stdin_open", message))
        }
        Some(text) if !text.0.is_empty() => Ok(Input::Bytes(text.0.clone().into())),
        _ if open => Ok(Input::Open),
        _ => Ok(Input::Empty),
    }
}

fn command(wire: podlane_api::Command) -> Result<Command, Refusal> {
    match wire {
        podlane_api::Command::Words(words) => fields::argv("command", words).map(Command::Argv),
        podlane_api::Command::Line(line) => {
            if line.trim().is_empty() {
                return Err(Refusal::field("command", "the command is empty"));
            }
            // A line is one argument of the shell, so the rule for arguments holds.
            let mut one = fields::argv("command", vec![line])?;
            Ok(Command::Shell(one.remove(0)))
        }
    }
}

fn timeout(seconds: Option<f64>, limit: Option<Duration>) -> Result<Option<Duration>, Refusal> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let wrong = || Refusal::field("timeout", "`timeout` must be a number of seconds above 0");
    if seconds <= 0.0 {
        return Err(wrong());
    }
    let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    if timeout.is_zero() {
        return Err(wrong());
    }
    match limit {
        Some(limit) => Refusal::unless_within("timeout", Some(timeout), limit)?,
        None if timeout > DAY => {
            let message = "`timeout` must be at most 86400 seconds, a day";
            return Err(Refusal::field("timeout", message));
        }
        None => {}
    }
    Ok(Some(timeout))
}

/// What became of a command, as the caller wants to read it.
pub(super) fn execution(
    execution: &podlane_service::Execution,
    encoding: OutputEncoding,
) -> Execution {
    let ended = &execution.ended;
    let end = end(ended);
    let write = |source| match encoding {
        OutputEncoding::Text => execution.output.text(source),
        OutputEncoding::Base64 => STANDARD.encode(execution.output.bytes(source)),
    };
    Execution {
        exit_code: end.exit_code,
        output: write(None),
        success: ended.exit.code == 0 && !ended.timed_out,
        stdout: write(Some(Source::Stdout)),
        stderr: write(Some(Source::Stderr)),
        duration_ms: end.duration_ms,
        timed_out: end.timed_out,
        killed: end.killed,
        survivors: end.survivors,
        signal: end.signal,
        usage: end.usage,
        truncated: execution.output.truncated,
        encoding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn read(json: serde_json::Value) -> Result<NewExec, Refusal> {
        new_exec(serde_json::from_value(json).expect("a body"), Some(LIMIT))
    }

    #[test]
    fn both_forms_of_a_command() {
        use podlane_engine::Command::{Argv, Shell};
        let exec = read(serde_json::json!({"command": "ls 'a b'", "timeout": 1.5})).expect("fine");
        assert_eq!(exec.command, Shell("ls 'a b'".into()));
        assert_eq!(exec.timeout, Some(Duration::from_millis(1500)));
        let exec = read(serde_json::json!({"command": ["ls", ""], "stdin": "x"})).expect("fine");
        assert_eq!(exec.command, Argv(vec!["ls".into(), String::new()]));
        assert!(exec.stdin == Input::Bytes("x".into()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (field, value) in [
            ("command", serde_json::json!("")),
            ("command", serde_json::json!(" \n")),
            ("command", serde_json::json!([])),
            ("command", serde_json::json!([""])),
            ("command", serde_json::json!("a\0")),
            ("timeout", serde_json::json!(0)),
            ("timeout", serde_json::json!(-1)),
            ("timeout", serde_json::json!(1e-300)),
            ("timeout", serde_json::json!(30.1)),
            ("timeout", serde_json::json!(1e300)),
            ("user", serde_json::json!("-h")),
            ("user", serde_json::json!("a:b:c")),
            ("workdir", serde_json::json!("tmp")),
            ("workdir", serde_json::json!("/a/../b")),
            ("environment", serde_json::json!(["A"])),
            ("terminal", serde_json::json!({"columns": 80, "rows": 24})),
            ("stdin_open", serde_json::json!(true)),
        ] {
            let mut body = serde_json::json!({"command": "true"});
            body[field] = value;
            let refusal = read(body.clone()).expect_err("refused");
            assert_eq!(refusal.what(), Some(field), "{body}");
        }
        let above = read(serde_json::json!({"command": "true", "timeout": 31})).expect_err("above");
        assert!(above.to_string().contains("30 seconds"), "{above}");
    }
}
