//! Exec sessions: create, inspect, remove, resize. Starting one is beside this.

use super::Request;
use super::lifecycle::host_pid;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::run::{SIGKILL, SIGTERM};
use crate::fake::state::{Exec, Progress, Status, new_id};
use http::StatusCode;
use serde_json::{Value, json};

pub(super) fn create(request: &Request) -> Handled {
    let wrong = |error: serde_json::Error| {
        let text = format!("decoding parameters for {}: {error}", request.target);
        Refusal::wrapped(500, &text)
    };
    let body: Value = serde_json::from_slice(&request.body).map_err(wrong)?;
    let mut state = request.core.state();
    let container = state.find(&request.name)?;
    if container.status == Status::Paused {
        let text = format!(
            "cannot create exec session as container {} is paused",
            container.id
        );
        return Err(Refusal::plain(409, text));
    }
    let strings = |key: &str| -> Vec<String> {
        let list = body[key].as_array().into_iter().flatten();
        list.filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let flag = |key: &str| body[key] == true;
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let argv = strings("Cmd");
    if argv.is_empty() {
        let text = "must provide a non-empty command to start an exec session: invalid argument";
        return Err(Refusal::wrapped(500, text));
    }
    if container.status != Status::Running {
        let text = "can only create exec sessions on running containers";
        return Err(Refusal::state(500, text));
    }
    let exec = Exec {
        container: container.id.clone(),
        argv,
        environment: strings("Env"),
        user: text("User"),
        workdir: text("WorkingDir"),
        terminal: flag("Tty"),
        privileged: flag("Privileged"),
        stdin: flag("AttachStdin"),
        stdout: flag("AttachStdout"),
        stderr: flag("AttachStderr"),
        progress: Progress::Created,
    };
    let id = new_id();
    state.execs.insert(id.clone(), exec);
    Ok(Answer::json(StatusCode::CREATED, &json!({"Id": id})))
}

pub(super) fn inspect(request: &Request) -> Handled {
    let state = request.core.state();
    let id = &request.name;
    let exec = state.execs.get(id).ok_or_else(|| Refusal::no_exec(id))?;
    let (running, pid, code) = match exec.progress {
        Progress::Created => (false, 0, 0),
        Progress::Running(pid) => (true, host_pid(pid), 0),
        Progress::Stopped(code) => (false, 0, code),
    };
    let arguments = match &exec.argv[1..] {
        [] => Value::Null,
        arguments => json!(arguments),
    };
    let body = json!({
        "CanRemove": matches!(exec.progress, Progress::Stopped(_)),
        "ContainerID": exec.container,
        "DetachKeys": "",
        "ExitCode": code,
        "ID": id,
        "OpenStderr": exec.stderr,
        "OpenStdin": exec.stdin,
        "OpenStdout": exec.stdout,
        "Running": running,
        "Pid": pid,
        "ProcessConfig": {
            "arguments": arguments,
            "entrypoint": exec.argv[0],
            "privileged": exec.privileged,
            "tty": exec.terminal,
            "user": exec.user,
        },
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

/// Since 5.0 only. Podman sends SIGTERM first, and after the container's stop time-out SIGTERM again; here a
/// process that ignores it is killed at once.
pub(super) fn remove(request: &Request) -> Handled {
    if request.core.version.is_old() {
        return Ok(Answer::no_route());
    }
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| {
        Refusal::wrapped(
            400,
            &format!("failed to decode parameters for {}: EOF", request.target),
        )
    })?;
    let mut state = request.core.state();
    let id = &request.name;
    let exec = state
        .execs
        .get(id)
        .ok_or_else(|| Refusal::no_exec(id))?
        .clone();
    if let Progress::Running(pid) = exec.progress {
        let container = state.find(&exec.container)?;
        if body["Force"] != true {
            let text = format!(
                "container {} exec session {id} is still running, cannot remove",
                exec.container
            );
            let cause = "exec session state improper";
            return Err(Refusal::new(500, cause, format!("{text}: {cause}")));
        }
        container.inside.processes.signal(pid, SIGTERM);
        container.inside.processes.signal(pid, SIGKILL);
    }
    state.execs.remove(id);
    Ok(Answer::empty(StatusCode::OK))
}

pub(super) fn resize(request: &Request) -> Handled {
    let id = &request.name;
    if request.core.state().execs.contains_key(id) {
        Ok(Answer::empty(StatusCode::CREATED))
    } else {
        Err(Refusal::no_exec(id))
    }
}
