//! `POST /api/v1/execs/{id}/signal`

use super::{Id, convert};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{BackgroundExec, SignalExec};
use podlane_engine::Signal;
use podlane_service::{Call, Service};

/// Send a signal to a background command and its process group.
#[utoipa::path(
    post,
    path = "/api/v1/execs/{id}/signal",
    tag = "execs",
    request_body = SignalExec,
    responses((status = 200, description = "It was sent.", body = BackgroundExec))
)]
pub(crate) async fn signal_exec(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
    Json(body): Json<SignalExec>,
) -> Result<axum::Json<BackgroundExec>> {
    let signal = Signal::parse(&body.signal).ok_or_else(|| {
        let message = "`signal` must be a signal's name, such as \"TERM\", or its number, 1 to 64";
        Refusal::field("signal", message)
    })?;
    service.signal_exec(&call, &id, signal).await?;
    let exec = service.inspect_exec(&call, &id).await?;
    Ok(axum::Json(convert::answer(exec)))
}
