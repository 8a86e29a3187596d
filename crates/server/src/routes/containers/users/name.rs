//! The container's and the account's name in a path.

use crate::edge::Subject;
use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use podlane_engine::ContainerRef;

/// `{name}` and `{username}`. An account that is there may have a name that none would be given today.
#[derive(Debug)]
pub(crate) struct Names(pub(crate) ContainerRef, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path((container, user)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::field("name", "a name in the path is not UTF-8"))?;
        let container = ContainerRef::parse(&container).map_err(Refusal::in_field("name"))?;
        if let Some(subject) = parts.extensions.get::<Subject>() {
            subject.set(container.as_str());
        }
        let fits = user.len() <= 256 && !user.contains(['/', ':']);
        if !fits || user.chars().any(char::is_control) {
            let message =
                "a user name has at most 256 bytes, no '/', no ':' and no control characters";
            return Err(Refusal::field("username", message));
        }
        Ok(Self(container, user))
    }
}
