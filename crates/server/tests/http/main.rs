//! The server as its callers see it, on an engine that only counts what it is asked.
//!
//! What is refused must be refused before the engine hears of it; so every test of a refusal ends
//! with the engine's count, which must be zero.

mod access;
mod bodies;
mod browser;
mod client;
mod engine;
mod errors;
mod idempotency;
mod live;
mod logs;
mod paths;
mod registries;
mod sockets;
mod stops;
mod system;
mod webhooks;
