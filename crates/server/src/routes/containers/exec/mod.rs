//! `POST /api/v1/containers/{name}/exec`
//!
//! A command that fails is a success of this endpoint: its exit code says how it ended. What the
//! caller accepts decides whether it gets the whole at the end or a stream from the start on.

mod convert;

use crate::Metrics;
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use crate::routes::execs;
use crate::stream::{self, Beginning, Context, EXEC_PATH, Form, Trailers, Wanted};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use podlane_api::{BackgroundExec, ExecCommand, ExecEvent, ExecStart, ExecutedCommand, True};
use podlane_engine::ContainerRef;
use podlane_service::{Background, Call, NewExec, Service, Texts};

/// Execute a command in a running container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/exec",
    tag = "containers",
    request_body = ExecCommand,
    responses((
        status = 201,
        description = "It runs in the background.",
        body = BackgroundExec,
        headers(
            ("Location" = String, description = "Where it is."),
            ("X-Exec-Path" = podlane_api::ExecPath, description = "How the command was started."),
        ),
    ), (
        status = 200,
        description = "What became of the command; or, if `Accept` asks for a stream, what happens while it runs.",
        content(
            (ExecutedCommand = "application/json"),
            (ExecEvent = "application/x-ndjson"),
            (String = "text/event-stream"),
            (String = "application/vnd.docker.multiplexed-stream"),
        ),
        headers(("X-Exec-Path" = podlane_api::ExecPath, description = "How the command was started.")),
    ))
)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument for each part of the request"
)]
pub(crate) async fn exec_command(
    State(service): State<Service>,
    State(metrics): State<Metrics>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    form: Form,
    trailers: Trailers,
    Json(body): Json<ExecCommand>,
) -> Result<Response> {
    if body.detach == Some(true) {
        let exec = convert::new_exec(body, None)?;
        let exec = service.detach_exec(&call, &name, exec).await?;
        metrics.executed(exec.path);
        return Ok(detached(exec));
    }
    let encoding = body.encoding.unwrap_or_default();
    if form != Form::Document {
        let exec = convert::new_exec(body, None)?;
        let wanted = Wanted {
            form,
            encoding,
            trailers,
        };
        return streamed(&service, &metrics, &call, &name, &exec, wanted).await;
    }
    let exec = convert::new_exec(body, Some(call.limit))?;
    let execution = service.exec(&call, &name, exec).await?;
    metrics.executed(execution.path);
    let body = axum::Json(ExecutedCommand {
        success: True,
        execution: convert::execution(&execution, encoding),
    });
    Ok(([(EXEC_PATH, execution.path.as_str())], body).into_response())
}

fn detached(exec: Background) -> Response {
    let path = exec.path.as_str();
    let location = format!("/api/v1/execs/{}", exec.id);
    let headers = [(LOCATION, location.as_str()), (EXEC_PATH, path)];
    let body = axum::Json(execs::convert::answer(exec));
    (StatusCode::CREATED, headers, body).into_response()
}

async fn streamed(
    service: &Service,
    metrics: &Metrics,
    call: &Call,
    name: &ContainerRef,
    exec: &NewExec,
    wanted: Wanted,
) -> Result<Response> {
    let exec = service.stream_exec(call, name, exec).await?;
    let path = exec.path();
    metrics.executed(path);
    let beginning = Beginning {
        start: ExecStart {
            path: stream::convert::path(path),
            container: exec.container().short().to_owned(),
        },
        at: 0,
        texts: Texts::default(),
    };
    let (steps, context) = (stream::steps(exec), Context::new(call));
    Ok(stream::answer(wanted, path, beginning, steps, context))
}
