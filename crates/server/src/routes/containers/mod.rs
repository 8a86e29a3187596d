//! `/api/v1/containers`

mod answers;
pub(crate) mod bulk;
pub(crate) mod changes;
pub(crate) mod create;
mod environment;
pub(crate) mod exec;
pub(crate) mod export;
mod fields;
pub(crate) mod files;
pub(crate) mod inspect;
mod kept;
pub(crate) mod kill;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod pause;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod restart;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod terminals;
pub(crate) mod top;
pub(crate) mod unpause;
pub(crate) mod update;
pub(crate) mod users;
pub(crate) mod wait;
