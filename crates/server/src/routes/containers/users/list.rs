//! `GET /api/v1/containers/{name}/users`

use super::convert::account;
use crate::error::Result;
use crate::extract::{Name, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, UserList};
use podlane_service::{Call, Service};

/// List the user accounts of a container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/users",
    tag = "containers",
    responses((status = 200, description = "Every account.", body = UserList))
)]
pub(crate) async fn list_users(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Json<UserList>> {
    let users = service.users(&call, &name).await?;
    Ok(Json(UserList {
        success: True,
        users: users.into_iter().map(account).collect(),
    }))
}
