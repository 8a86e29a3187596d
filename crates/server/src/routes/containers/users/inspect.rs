//! `GET /api/v1/containers/{name}/users/{username}`

use super::convert::account;
use super::name::Names;
use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, UserDetails};
use podlane_service::{Call, Service};

/// Look at a user account.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/users/{username}",
    tag = "containers",
    responses((status = 200, description = "The account.", body = UserDetails))
)]
pub(crate) async fn inspect_user(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Names(name, user): Names,
    Query(()): Query<()>,
) -> Result<Json<UserDetails>> {
    let user = service.user(&call, &name, &user).await?;
    Ok(Json(UserDetails {
        success: True,
        user: account(user),
    }))
}
