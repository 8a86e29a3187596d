//! Errors.

use crate::{Disconnected, False, HealthCheck, UnhealthyWord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to whatever went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "success": false,
    "error": {"message": "container \"web\" not found", "code": 404, "type": "PodmanAPIError"},
    "timestamp": "2025-01-19T15:47:19.123456",
    "request_id": "4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c"
}))]
pub struct Failure {
    /// Always false.
    pub success: False,
    /// What went wrong.
    pub error: ErrorDetail,
    /// UTC, ISO 8601 with microseconds and without a zone.
    #[schema(example = "2025-01-19T15:47:19.123456")]
    pub timestamp: String,
    /// The request's ID, as in the header `X-Request-ID` and in the server's log.
    pub request_id: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// What is wrong, for people.
    #[schema(example = "Error description")]
    pub message: String,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub code: u16,
    /// Whose fault it is.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// The field, parameter or header that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorType {
    /// The request is wrong in itself.
    ValidationError,
    /// The engine, an image or a container can't do it.
    #[serde(rename = "PodmanAPIError")]
    PodmanApiError,
    /// The server can't do it.
    InternalError,
}

impl ErrorType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "ValidationError",
            Self::PodmanApiError => "PodmanAPIError",
            Self::InternalError => "InternalError",
        }
    }
}

/// The answer of the health check while Podman does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unhealthy {
    /// Always false.
    pub success: False,
    /// Always `unhealthy`.
    pub status: UnhealthyWord,
    /// Always `disconnected`.
    pub podman: Disconnected,
    /// Why, in words that give no path away.
    #[schema(example = "nothing answers at Podman's socket")]
    pub reason: String,
    /// What was looked at; only for callers with the scope `system:read` who see everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<HealthCheck>,
    /// What went wrong.
    pub error: ErrorDetail,
    /// UTC, ISO 8601 with microseconds and without a zone.
    #[schema(example = "2025-01-19T15:47:19.123456")]
    pub timestamp: String,
    /// The request's ID.
    pub request_id: String,
}

/// The same error as RFC 9457 writes it, for who accepts `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong, for people.
    pub detail: String,
    /// Whose fault it is.
    pub error_type: ErrorType,
    /// The field, parameter or header that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
    /// UTC, ISO 8601 with microseconds and without a zone.
    pub timestamp: String,
    /// The request's ID.
    pub request_id: String,
}
