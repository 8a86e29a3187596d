//! `POST /api/v1/containers/{name}/users`
//!
//! A password goes from here into the service as a type that nothing can print.

use super::convert::{new_user, new_users};
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{AddUsers, AddedAccount, AddedUser, AddedUsers, True, User};
use podlane_service::{Call, Service};

/// Make a user account in a container, or many: all or none.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/users",
    tag = "containers",
    request_body = AddUsers,
    responses((status = 200, description = "The account, or the accounts.", body = AddedUsers))
)]
pub(crate) async fn add_user(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<AddUsers>,
) -> Result<axum::Json<AddedUsers>> {
    let users = match body {
        AddUsers::One(body) => {
            let user = service.add_user(&call, &name, new_user(&body)?).await?;
            return Ok(axum::Json(AddedUsers::One(AddedUser {
                success: True,
                user: User {
                    username: user.name.to_string(),
                    created: True,
                    home: user.home,
                    shell: user.shell,
                },
            })));
        }
        AddUsers::Many { users } => new_users(&users)?,
    };
    let users = service.add_users(&call, &name, users).await?;
    let account = |user: podlane_service::AddedUser| AddedAccount {
        username: user.name.to_string(),
        created: True,
        uid: user.uid,
        gid: user.gid,
        home: user.home,
        shell: user.shell,
    };
    Ok(axum::Json(AddedUsers::Many {
        success: True,
        users: users.into_iter().map(account).collect(),
    }))
}
