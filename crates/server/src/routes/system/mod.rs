//! The server itself.

pub(crate) mod disk_usage;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod livez;
pub(crate) mod metrics;
pub(crate) mod prometheus;
pub(crate) mod readyz;
mod uptime;

use std::time::Duration;

/// How long a probe waits for the engine: who probes wants to know soon.
const PATIENCE: Duration = Duration::from_secs(5);
