//! `POST /api/v1/execs/{id}/resize`

use super::{Id, convert};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::stream::convert::terminal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{BackgroundExec, TerminalSize};
use podlane_service::{Call, Service};

/// Set the size of a background command's terminal.
#[utoipa::path(
    post,
    path = "/api/v1/execs/{id}/resize",
    tag = "execs",
    request_body = TerminalSize,
    responses((status = 200, description = "It has that size.", body = BackgroundExec))
)]
pub(crate) async fn resize_exec(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    Json(body): Json<TerminalSize>,
) -> Result<axum::Json<BackgroundExec>> {
    let size = terminal("", body)?;
    service.resize_exec(&call, &id, size).await?;
    let exec = service.inspect_exec(&call, &id).await?;
    Ok(axum::Json(convert::answer(exec)))
}
