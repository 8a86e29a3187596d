//! A background command, from the service's noun to the wire's.

use crate::stream::convert::{end, path, short};
use crate::timestamp;
use podlane_api::{BackgroundExec, Exec, ExecOutput, ExecState, True};
use podlane_service::{Background, How, State};

pub(super) fn state(state: State) -> ExecState {
    match state {
        State::Running => ExecState::Running,
        State::Exited => ExecState::Exited,
        State::Lost => ExecState::Lost,
    }
}

/// The answer about one.
pub(crate) fn answer(background: Background) -> BackgroundExec {
    BackgroundExec {
        success: True,
        exec: exec(background),
    }
}

/// One of a list.
pub(super) fn exec(exec: Background) -> Exec {
    let state = state(exec.state());
    let (ended_at, how) = match exec.end {
        Some(end) => (Some(timestamp::format(end.at)), Some(end.how)),
        None => (None, None),
    };
    let (ended, lost) = match how {
        Some(How::Exited(ended)) => (Some(end(&ended)), None),
        Some(How::Lost(reason)) => (None, Some(reason)),
        None => (None, None),
    };
    Exec {
        id: exec.id.to_string(),
        container: short(&exec.container).to_owned(),
        command: exec.command,
        state,
        path: path(exec.path),
        terminal: exec.terminal,
        started_at: timestamp::format(exec.started),
        ended_at,
        exit_code: ended.as_ref().map(|end| end.exit_code),
        signal: ended.as_ref().and_then(|end| end.signal),
        duration_ms: ended.as_ref().map(|end| end.duration_ms),
        timed_out: ended.as_ref().is_some_and(|end| end.timed_out),
        killed: ended.as_ref().is_some_and(|end| end.killed),
        usage: ended.as_ref().and_then(|end| end.usage),
        survivors: ended.map(|end| end.survivors).unwrap_or_default(),
        lost,
        output: ExecOutput {
            bytes: exec.bytes,
            from: exec.from,
            lost_bytes: exec.lost,
        },
    }
}
