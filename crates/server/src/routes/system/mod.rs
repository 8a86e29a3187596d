//! The server itself.

pub(crate) mod capabilities;
pub(crate) mod disk_usage;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod livez;
pub(crate) mod metrics;
pub(crate) mod prometheus;
pub(crate) mod readyz;
mod uptime;
pub(crate) mod version;

use crate::error::Ill;
use podlane_api::HealthCheck;
use podlane_engine::EngineVersion;
use podlane_service::{Call, Service};
use std::time::Duration;

/// How long a probe waits for the engine: who probes wants to know soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// The engine and what was looked at, or what is the matter.
async fn examine(
    service: &Service,
    call: &Call,
    details: bool,
) -> Result<(EngineVersion, Vec<HealthCheck>), crate::error::Error> {
    let call = call.extended(call.limit.min(PATIENCE));
    let found = service.examine(&call, details).await;
    let checks = found.checks.into_iter().map(|check| HealthCheck {
        name: check.name.to_owned(),
        ok: check.ok,
        detail: check.detail,
    });
    let checks = checks.collect();
    match found.engine {
        Ok(engine) => Ok((engine, checks)),
        Err(cause) => Err(crate::error::Error::Unhealthy(Ill {
            cause,
            reason: found.reason.unwrap_or_default(),
            checks,
        })),
    }
}
