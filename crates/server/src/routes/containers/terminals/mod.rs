//! Commands and containers over a WebSocket.

pub(crate) mod attach;
pub(crate) mod exec;
mod query;
