//! `/api/v1/containers/{name}/users`

pub(crate) mod add;
mod convert;
