//! `GET /api/v1/audit/verify`

use crate::error::Result;
use crate::extract::Query;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{True, VerifiedAudit};
use podlane_service::{Call, Service};

/// Follow the audit's chain from its beginning, and say whether it holds.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    tag = "audit",
    responses((status = 200, description = "Whether it holds.", body = VerifiedAudit))
)]
pub(crate) async fn verify_audit(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<VerifiedAudit>> {
    let verified = service.verify_audit(&call).await?;
    Ok(Json(VerifiedAudit {
        success: True,
        holds: verified.broken_at.is_none(),
        entries: verified.entries,
        broken_at: verified.broken_at,
        hash: verified.hash,
    }))
}
