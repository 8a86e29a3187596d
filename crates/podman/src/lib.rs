//! A thin typed client for Podman.

pub mod find;
