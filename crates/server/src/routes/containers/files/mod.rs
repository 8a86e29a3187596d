//! Files: `/api/v1/containers/{name}/files`, what is beside it, and `/api/v1/files`

pub(crate) mod add;
mod conditions;
mod convert;
pub(crate) mod download;
pub(crate) mod events;
pub(crate) mod gather;
pub(crate) mod info;
pub(crate) mod list;
mod many;
pub(crate) mod operate;
mod query;
mod range;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod search;
pub(crate) mod upload;
pub(crate) mod write;
