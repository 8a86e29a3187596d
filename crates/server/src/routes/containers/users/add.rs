//! `POST /api/v1/containers/{name}/users`
//!
//! The password goes from here into the service as a type that nothing can print.

use super::convert::new_user;
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{AddUser, AddedUser, True, User};
use podlane_engine::Call;
use podlane_service::Service;

/// Make a user account in a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/users",
    tag = "containers",
    request_body = AddUser,
    responses((status = 200, description = "The account.", body = AddedUser))
)]
pub(crate) async fn add_user(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<AddUser>,
) -> Result<axum::Json<AddedUser>> {
    let user = service.add_user(&call, &name, new_user(&body)?).await?;
    Ok(axum::Json(AddedUser {
        success: True,
        user: User {
            username: user.name.to_string(),
            created: True,
            home: user.home,
            shell: user.shell,
        },
    }))
}
