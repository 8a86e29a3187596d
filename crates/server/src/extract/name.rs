//! The container's name in a path.

use crate::edge::Subject;
use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use podlane_engine::ContainerRef;

/// `{name}`: percent-decoded once, then checked. What could be read as anything but a name (`/`, NUL,
/// a space, `?`, `%`) is refused, so it can stand in the engine's URL as it is.
#[derive(Debug)]
pub(crate) struct Name(pub(crate) ContainerRef);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::field("name", "the name in the path is not UTF-8"))?;
        let name = ContainerRef::parse(&text).map_err(Refusal::in_field("name"))?;
        if let Some(subject) = parts.extensions.get::<Subject>() {
            subject.set(name.as_str());
        }
        Ok(Self(name))
    }
}
