//! `/api/v1/containers/{name}/files`

pub(crate) mod add;
mod convert;
