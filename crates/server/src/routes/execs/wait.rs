//! `POST /api/v1/execs/{id}/wait`
//!
//! Past the time it answers the command as it is: `state` tells whether it has ended.

use super::{Id, convert};
use crate::error::Result;
use crate::extract::{NoBody, Query, Timeout};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::BackgroundExec;
use podlane_service::{Call, Service};

/// Wait for the end of a background command.
#[utoipa::path(
    post,
    path = "/api/v1/execs/{id}/wait",
    tag = "execs",
    params(("timeout" = Option<u64>, Query, description = "Seconds to wait, at most the server's request time-out, which is the default.")),
    responses((status = 200, description = "The command: ended, or still `running` when the time was up.", body = BackgroundExec))
)]
pub(crate) async fn wait_exec(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(Timeout(limit)): Query<Timeout>,
    NoBody: NoBody,
) -> Result<Json<BackgroundExec>> {
    Refusal::unless_within("timeout", limit, call.limit)?;
    let limit = limit.unwrap_or(call.limit);
    let exec = service.wait_exec(&call, &id, limit).await?;
    Ok(Json(convert::answer(exec)))
}
