//! What happens at the engine.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something that has happened. As a server-sent event its name is `happened` and its data this object; as a
/// line of NDJSON it has `id` and `event` too. An `error` ends the stream; its data is that of any error.
///
/// The `id` is the time in nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Happened {
    /// When, in UTC.
    #[schema(example = "2026-11-24T10:36:40.115804")]
    pub time: String,
    /// To what kind of thing: container, image, volume, network, pod and others.
    #[serde(rename = "type")]
    #[schema(example = "container")]
    pub kind: String,
    /// What, in Podman's words: create, start, died, remove and others.
    #[schema(example = "died")]
    pub action: String,
    /// The thing's short ID; empty if it has none.
    #[schema(example = "abc123def456")]
    pub subject: String,
    /// What it is called; empty if Podman does not say so.
    #[schema(example = "my-container")]
    pub name: String,
    /// What else Podman says: the `image`, the `containerExitCode`, labels.
    pub attributes: BTreeMap<String, String>,
}
