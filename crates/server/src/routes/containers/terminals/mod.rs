//! Commands and containers over a WebSocket.

pub(crate) mod exec;
mod query;
