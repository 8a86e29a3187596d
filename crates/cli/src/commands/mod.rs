//! What `podlane` can be told to do: one verb, one file.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod openapi;
pub(crate) mod run_engine;
pub(crate) mod serve;
pub(crate) mod token;
