//! `GET /api/v1/audit`

use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::timestamp;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{AuditEntry, AuditList, True};
use podlane_service::{AuditFilter, Call, Service};

/// The most entries of one answer.
const MOST: u64 = 1000;

/// `?after=1234&limit=100`
pub(crate) struct Part {
    after: i64,
    limit: usize,
    wanted: AuditFilter,
}

impl QueryShape for Part {
    const NAMES: &'static [&'static str] =
        &["after", "limit", "caller", "action", "target", "request_id"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let number = |name, rule, usual: u64| match parameters.get(name) {
            None => Ok(usual),
            Some(_) => parameters.count(name, rule),
        };
        let rule = "a number from 1 to 1000";
        let limit = number("limit", rule, 100)?;
        if !(1..=MOST).contains(&limit) {
            let message = format!("query parameter `limit` must be {rule}");
            return Err(Refusal::field("limit", message));
        }
        let after = number("after", "an entry's number", 0)?;
        let text = |name| parameters.get(name).unwrap_or_default().to_owned();
        Ok(Self {
            wanted: AuditFilter {
                caller: text("caller"),
                action: text("action"),
                target: text("target"),
                request: text("request_id"),
            },
            after: i64::try_from(after).unwrap_or(i64::MAX),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }
}

/// Read the audit, the oldest entry first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    params(
        ("after" = Option<u64>, Query, description = "Only entries behind the one with this number; all if left out."),
        ("limit" = Option<u64>, Query, description = "At most so many, 1 to 1000; 100 if left out."),
        ("caller" = Option<String>, Query, description = "Only entries with this in who asked."),
        ("action" = Option<String>, Query, description = "Only entries with this in the operation."),
        ("target" = Option<String>, Query, description = "Only entries with this in the path."),
        ("request_id" = Option<String>, Query, description = "Only entries of this request."),
    ),
    responses((status = 200, description = "Entries.", body = AuditList))
)]
pub(crate) async fn list_audit(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(part): Query<Part>,
) -> Result<Json<AuditList>> {
    let entries = service
        .audit(&call, part.after, part.limit, part.wanted)
        .await?;
    let row = |entry: podlane_service::AuditEntry| AuditEntry {
        number: entry.number,
        time: timestamp::format(entry.at),
        request_id: entry.request,
        caller: entry.caller,
        action: entry.action,
        target: entry.target,
        outcome: entry.outcome,
        detail: entry.detail,
        duration_ms: entry.took.map(|took| took.as_secs_f64() * 1000.0),
        hash: entry.hash,
    };
    Ok(Json(AuditList {
        success: True,
        entries: entries.into_iter().map(row).collect(),
    }))
}
