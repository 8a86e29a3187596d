//! One folder a resource, one file an endpoint.

pub(crate) mod audit;
pub(crate) mod containers;
pub(crate) mod events;
pub(crate) mod execs;
pub(crate) mod fallback;
pub(crate) mod images;
pub(crate) mod kube;
pub(crate) mod limits;
pub(crate) mod networks;
pub(crate) mod pods;
pub(crate) mod prune;
pub(crate) mod recordings;
pub(crate) mod registries;
pub(crate) mod secrets;
pub(crate) mod system;
pub(crate) mod tokens;
pub(crate) mod values;
pub(crate) mod volumes;
pub(crate) mod webhooks;
