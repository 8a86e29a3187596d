//! One folder a resource, one file an endpoint.

pub(crate) mod containers;
pub(crate) mod execs;
pub(crate) mod fallback;
pub(crate) mod recordings;
pub(crate) mod system;
pub(crate) mod tokens;
