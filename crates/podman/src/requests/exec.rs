//! Commands in containers.

use super::{About, EXEC_VARIABLE, Request};
use crate::instance::Attempt;
use podlane_engine::{ContainerId, ExecSpec, InnerPath, TerminalSize};
use serde::Serialize;

/// What is put on top of the container's environment, whoever starts the command: `NAME=value`.
pub(crate) fn environment(spec: &ExecSpec, marker: &Attempt) -> Vec<String> {
    let given = spec.environment.iter();
    given
        .map(|(name, value)| format!("{name}={value}"))
        .chain([marking(marker.as_str())])
        .collect()
}

/// The mark of a command as it stands in its environment.
pub(crate) fn marking(mark: &str) -> String {
    format!("{EXEC_VARIABLE}={mark}")
}

pub(crate) fn create_exec(
    id: &ContainerId,
    spec: &ExecSpec,
    argv: &[String],
    marker: &Attempt,
) -> Request {
    let body = CreateExec {
        cmd: argv,
        env: environment(spec, marker),
        user: spec.user.as_ref().map(podlane_engine::UserSpec::as_str),
        working_dir: spec.workdir.as_ref().map(InnerPath::as_str),
        attach_stdin: spec.stdin,
        attach_stdout: true,
        attach_stderr: true,
        tty: spec.terminal.is_some(),
    };
    let mut request = Request::post("preparing the command", &format!("/containers/{id}/exec"))
        .json(&body)
        .container(id.short());
    body.user
        .unwrap_or_default()
        .clone_into(&mut request.about.user);
    request
}

/// Source: `ExecCreateConfig` of the Docker Engine API, which libpod shares.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "libpod's own shape")]
struct CreateExec<'a> {
    cmd: &'a [String],
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<&'a str>,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    tty: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartExec {
    detach: bool,
    tty: bool,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    height: Option<u16>,
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    width: Option<u16>,
}

pub(crate) fn resize_exec(exec: &str, size: TerminalSize) -> Request {
    let pairs = [("h", size.rows), ("w", size.columns)];
    Request::post("resizing the terminal", &format!("/exec/{exec}/resize"))
        .query(pairs.map(|(name, value)| (name, value.to_string())))
}

pub(crate) fn start_exec(exec: &str, terminal: Option<TerminalSize>, about: About) -> Request {
    let mut request =
        Request::post("starting the command", &format!("/exec/{exec}/start")).json(&StartExec {
            detach: false,
            tty: terminal.is_some(),
            height: terminal.map(|size| size.rows),
            width: terminal.map(|size| size.columns),
        });
    request.upgrade = true;
    request.about = about;
    request
}

pub(crate) fn inspect_exec(exec: &str) -> Request {
    Request::get("looking up the command", &format!("/exec/{exec}/json"))
}

/// Podman 5 forgets a finished exec at once when told to; 4.3 does not know this call.
pub(crate) fn remove_exec(exec: &str) -> Request {
    Request::post("clearing away the command", &format!("/exec/{exec}/remove"))
        .json(&serde_json::json!({ "Force": false }))
}
