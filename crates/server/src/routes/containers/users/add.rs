//! `POST /api/v1/containers/{name}/users`
//!
//! The password goes from here into the service as a type that nothing can print.

use crate::error::Result;
use crate::extract::{Json, Name, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{AddUser, AddedUser, True, User};
use podlane_engine::{Call, InnerPath, UserName};
use podlane_service::{NewUser, Password, Service};

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

fn new_user(body: &AddUser) -> Result<NewUser, Refusal> {
    let password = |text| {
        Password::parse(text).ok_or_else(|| {
            Refusal::field(
                "password",
                "a password has 1 to 1024 bytes, no line break and no NUL",
            )
        })
    };
    let shell = body.shell.as_deref().map(InnerPath::parse).transpose();
    Ok(NewUser {
        name: UserName::parse(&body.username).map_err(Refusal::in_field("username"))?,
        password: body
            .password
            .as_ref()
            .map(|text| password(&text.0))
            .transpose()?,
        shell: shell.map_err(Refusal::in_field("shell"))?,
    })
}
