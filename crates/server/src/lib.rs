//! Podlane's HTTP server.

pub mod config;
