//! `/api/v1/prune`: the removal of what nothing uses.

pub(crate) mod containers;
pub(crate) mod images;
pub(crate) mod networks;
pub(crate) mod pods;
pub(crate) mod volumes;
