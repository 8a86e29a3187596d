//! An account's body to the service's noun.

use crate::refusal::Refusal;
use podlane_api::AddUser;
use podlane_engine::{InnerPath, UserName};
use podlane_service::{NewUser, Password};

pub(super) fn new_user(body: &AddUser) -> Result<NewUser, Refusal> {
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
