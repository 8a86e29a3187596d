//! `GET /api/v1/containers/{name}/exec/ws`
//!
//! The command runs before the connection is upgraded, so that what is wrong with it is an ordinary
//! answer; unless the client wants to say more first (`configure`).

use super::super::environment;
use super::container;
use super::query::NewTerminal;
use crate::Metrics;
use crate::error::{Error, Result};
use crate::extract::{Name, Query};
use crate::refusal::Refusal;
use crate::stream::EXEC_PATH;
use crate::terminal::{Handshake, Opening, Protocol, Start};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use podlane_service::{Call, NewExec, Service};

/// Run a command over a WebSocket.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/exec/ws",
    tag = "containers",
    params(
        ("command" = Option<Vec<String>>, Query, description = "The argument vector, one word each time; the container's shell if neither this nor `shell` is there."),
        ("shell" = Option<String>, Query, description = "A line for the container's shell."),
        ("tty" = Option<bool>, Query, description = "Whether it gets a terminal; true if left out."),
        ("columns" = Option<u16>, Query, description = "Characters in a line of the terminal; 80 if left out."),
        ("rows" = Option<u16>, Query, description = "Lines of the terminal; 24 if left out."),
        ("stdin" = Option<bool>, Query, description = "Whether it can be written to; true if left out."),
        ("stdout" = Option<bool>, Query, description = "Whether standard output is wanted; true if left out."),
        ("stderr" = Option<bool>, Query, description = "Whether standard error is wanted; true if left out."),
        ("user" = Option<String>, Query, description = "The user; the container's own if left out."),
        ("workdir" = Option<String>, Query, description = "The directory to start in; the container's own if left out."),
        ("timeout" = Option<f64>, Query, description = "Seconds after which it is ended, at most 2592000; none if left out."),
        ("agent" = Option<bool>, Query, description = "False: the engine itself runs it, not Podlane's agent in the container."),
        ("container" = Option<String>, Query, description = "For clients of Kubernetes alone: empty, or this container."),
        ("configure" = Option<bool>, Query, description = "True: it is started by the first message, a TerminalInput of the type `start`."),
    ),
    responses((
        status = 101,
        headers(("X-Exec-Path" = podlane_api::ExecPath, description = "How the command was started; not there with `configure`, where it has yet to be.")),
        description = "The command runs; messages are as the subprotocol says: `v5.channel.k8s.io`, `v4.channel.k8s.io`, `podlane.v1.json` (TerminalInput, TerminalOutput), or plain bytes without one.",
    ))
)]
pub(crate) async fn exec_terminal(
    State(service): State<Service>,
    State(metrics): State<Metrics>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(new): Query<NewTerminal>,
    handshake: Handshake,
) -> Result<Response> {
    let said = new.container.as_deref();
    container::check(&service, &call, &name, said, &handshake).await?;
    if !new.configure {
        let terminal = service.open_terminal(&call, &name, &new.exec).await?;
        let path = terminal.path();
        metrics.executed(path);
        let granted = handshake.grant(Opening::Done(Box::new(terminal)), new.view);
        return Ok(([(EXEC_PATH, path.as_str())], granted).into_response());
    }
    if handshake.protocol() != Protocol::Messages {
        let message = "`configure` is for the subprotocol podlane.v1.json";
        return Err(Refusal::field("configure", message).into());
    }
    // A name that is wrong is answered here already.
    service.inspect_container(&call, &name).await?;
    let view = new.view;
    let open = Box::new(move |start| {
        Box::pin(async move {
            let exec = configured(new.exec, start)?;
            let call = call.extended(call.limit);
            let terminal = service.open_terminal(&call, &name, &exec).await?;
            metrics.executed(terminal.path());
            Ok::<_, Error>(terminal)
        }) as _
    });
    Ok(handshake.grant(Opening::Waiting(open), view))
}

/// The command with what the first message adds.
fn configured(mut exec: NewExec, start: Start) -> Result<NewExec, Refusal> {
    let own = environment::variables(start.environment)?;
    exec.environment.extend(own);
    if let Some(size) = &mut exec.terminal {
        size.columns = start.columns.unwrap_or(size.columns);
        size.rows = start.rows.unwrap_or(size.rows);
    }
    Ok(exec)
}
