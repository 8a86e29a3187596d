//! `POST /api/v1/containers/{name}/exec`
//!
//! A command that fails is a success of this endpoint: its exit code says how it ended.

mod convert;

pub(crate) use convert::{survivor, usage};

use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{ExecCommand, ExecutedCommand, True};
use podlane_engine::Call;
use podlane_service::Service;

/// Execute a command in a running container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/exec",
    tag = "containers",
    request_body = ExecCommand,
    responses((status = 200, description = "What became of the command.", body = ExecutedCommand))
)]
pub(crate) async fn exec_command(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<ExecCommand>,
) -> Result<axum::Json<ExecutedCommand>> {
    let encoding = body.encoding.unwrap_or_default();
    let exec = convert::new_exec(body, call.limit)?;
    let execution = service.exec(&call, &name, exec).await?;
    Ok(axum::Json(ExecutedCommand {
        success: True,
        execution: convert::execution(&execution, encoding),
    }))
}
