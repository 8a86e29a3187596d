//! Requests that no route takes.

use crate::refusal::Refusal;
use axum::http::Method;

pub(crate) async fn not_found() -> Refusal {
    Refusal::Route
}

/// The router adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method) -> Refusal {
    Refusal::Method {
        method: method.as_str().chars().take(20).collect(),
    }
}
