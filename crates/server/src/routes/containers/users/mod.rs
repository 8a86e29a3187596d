//! `/api/v1/containers/{name}/users`

pub(crate) mod add;
mod convert;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod modify;
mod name;
pub(crate) mod remove;
