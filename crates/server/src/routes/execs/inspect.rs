//! `GET /api/v1/execs/{id}`

use super::{Id, convert};
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::BackgroundExec;
use podlane_service::{Call, Service};

/// Look at a background command.
#[utoipa::path(
    get,
    path = "/api/v1/execs/{id}",
    tag = "execs",
    responses((status = 200, description = "The command.", body = BackgroundExec))
)]
pub(crate) async fn inspect_exec(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(()): Query<()>,
) -> Result<Json<BackgroundExec>> {
    let exec = service.inspect_exec(&call, &id).await?;
    Ok(Json(convert::answer(exec)))
}
