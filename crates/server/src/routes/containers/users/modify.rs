//! `PATCH /api/v1/containers/{name}/users/{username}`

use super::convert::{account, changes};
use super::name::Names;
use crate::error::Result;
use crate::extract::{Json, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{ModifyUser, True, UserDetails};
use podlane_service::{Call, Service};

/// Change a user account, lock it or unlock it.
#[utoipa::path(
    patch,
    path = "/api/v1/containers/{name}/users/{username}",
    tag = "containers",
    request_body = ModifyUser,
    responses((status = 200, description = "The account as it is now.", body = UserDetails))
)]
pub(crate) async fn modify_user(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Names(name, user): Names,
    Query(()): Query<()>,
    Json(body): Json<ModifyUser>,
) -> Result<axum::Json<UserDetails>> {
    let changes = changes(&body)?;
    let user = service.modify_user(&call, &name, user, changes).await?;
    Ok(axum::Json(UserDetails {
        success: True,
        user: account(user),
    }))
}
