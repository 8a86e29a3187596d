//! The server itself.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod livez;
pub(crate) mod metrics;
pub(crate) mod prometheus;
pub(crate) mod readyz;
