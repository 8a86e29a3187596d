//! What happens at an engine.

use crate::{Call, Result};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::collections::BTreeMap;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// To what kind of thing: `container`, `image`, `volume`, `network` ...
    pub kind: String,
    /// What, in the engine's word: `start`, `died`, `remove` ...
    pub action: String,
    /// The thing's ID, if it has one.
    pub id: String,
    /// What it is called, if the engine says so.
    pub name: String,
    /// What else the engine says: the image, the exit code, labels.
    pub attributes: BTreeMap<String, String>,
}

/// Events as they come.
pub type EventStream = BoxStream<'static, Result<EngineEvent>>;

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventQuery {
    /// Only those after this time, in nanoseconds since 1970; an engine may tell some of before too.
    pub since: i64,
    /// Whether those that are to come are told too; else the stream ends with what has happened.
    pub follow: bool,
}

/// The part of an engine that tells what happens.
#[async_trait]
pub trait Events {
    /// What has happened since a time, the oldest first.
    async fn events(&self, call: &Call, query: EventQuery) -> Result<EventStream>;
}
