//! Headers that tell browsers what they must not do with our answers.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Nothing may be loaded, run or framed: an API's answers are no pages.
const API_POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The documentation page: scripts, pictures and calls of this server only. Its library sets style
/// attributes, hence `unsafe-inline` for styles (and for nothing else).
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'none'";

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Whether a path belongs to the documentation page.
pub(crate) fn is_docs(path: &str) -> bool {
    path == "/docs" || path.starts_with("/docs/")
}

/// Adds them to the answer of a request for `path`.
pub(crate) fn secure(path: &str, headers: &mut HeaderMap) {
    let policy = if is_docs(path) {
        DOCS_POLICY
    } else {
        // What the API says of containers is for the caller alone.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        API_POLICY
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
