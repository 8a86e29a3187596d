//! The ID of a background command in a path.

use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use podlane_service::ExecId;

/// `{id}`, checked.
pub(crate) struct Id(pub(crate) ExecId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| ExecId::parse(&text));
        id.map(Self).ok_or_else(|| {
            let message = "the ID of a background command has 32 hexadecimal digits, in lower case";
            Refusal::field("id", message)
        })
    }
}
