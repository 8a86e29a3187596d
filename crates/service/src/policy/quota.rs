//! How much one may have at once.

use crate::Tenant;
use std::collections::BTreeMap;

/// How much one tenant may have at once; any amount of what is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Containers, running or not.
    pub containers: Option<u64>,
    /// Bytes of memory, of all containers together.
    pub memory: Option<u64>,
    /// Thousandths of processors, likewise.
    pub milli_cpus: Option<u64>,
    /// Published ports, likewise.
    pub ports: Option<u64>,
    /// Commands and terminals under way.
    pub execs: Option<u64>,
}

/// The quotas of tenants.
#[derive(Debug, Clone, Default)]
pub struct Quotas {
    /// Of each that has no other.
    pub each: Quota,
    /// Of some.
    pub of: BTreeMap<Tenant, Quota>,
    /// Of each token.
    pub token: Quota,
}
