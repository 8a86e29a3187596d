//! A thin typed client for Podman.

pub mod child;
pub mod find;
