//! Commands and containers over a WebSocket.

pub(crate) mod attach;
mod container;
pub(crate) mod exec;
mod query;
