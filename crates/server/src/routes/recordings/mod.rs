//! `/api/v1/recordings`

pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod replay;

use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

/// `{id}`: any text; what is no recording's name is not found.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id))
            .map_err(|_| Refusal::field("id", "the id in the path is not UTF-8"))
    }
}
