//! The audit.

use crate::True;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Entries of the audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// Always true.
    pub success: True,
    /// The oldest first.
    pub entries: Vec<AuditEntry>,
}

/// An entry of the audit. What is done has two: one before, and one when it is known how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its place, from 1.
    pub number: i64,
    /// When it was written, in UTC.
    pub time: String,
    /// The request's ID.
    pub request_id: String,
    /// Who asked: `anonymous`, or a token with its ID and name.
    #[schema(example = "token 4f1c2ab9d03e (ci)")]
    pub caller: String,
    /// For what: method and path of the operation.
    #[schema(example = "DELETE /api/v1/containers/{name}")]
    pub action: String,
    /// The request's path, without its query.
    #[schema(example = "/api/v1/containers/web")]
    pub target: String,
    /// `begun`, then the answer's status, with the rule of the policy that forbade it, or `abandoned` if nobody waited for it;
    /// `exit N` at the end of a command.
    #[schema(example = "200")]
    pub outcome: String,
    /// What exactly, where the target does not say it: the command, the path, the names. Not in `begun`.
    #[schema(required)]
    pub detail: Option<String>,
    /// The milliseconds that it took; `null` in `begun`.
    #[schema(required)]
    pub duration_ms: Option<f64>,
    /// The SHA-256 of the hash before it and of this entry.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

/// Whether the audit's chain holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedAudit {
    /// Always true.
    pub success: True,
    /// Whether each entry follows from those before it.
    pub holds: bool,
    /// How many do.
    pub entries: u64,
    /// The first one that does not; `null` if all do.
    #[schema(required)]
    pub broken_at: Option<i64>,
    /// The hash of the last one that does. Noted elsewhere, it tells later whether entries were cut off.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}
