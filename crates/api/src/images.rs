//! Images.

use crate::{Failure, Hidden, True};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageList {
    /// Always true.
    pub success: True,
    /// The newest first.
    pub images: Vec<ImageRow>,
}

/// A row of the image list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageRow {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "86ed341fca93", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// The names that lead to it; none for one that a newer one has replaced.
    #[schema(example = json!(["docker.io/library/alpine:latest"]))]
    pub names: Vec<String>,
    /// When it was made, in UTC.
    pub created: String,
    /// Its size in bytes, with what it shares with others.
    pub size_bytes: u64,
    /// How many containers are made of it.
    pub containers: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneImage {
    /// Always true.
    pub success: True,
    /// It.
    pub image: Image,
}

/// An image in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "86ed341fca93", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its full ID: 64 hexadecimal digits.
    pub full_id: String,
    /// The names that lead to it.
    pub names: Vec<String>,
    /// The names with its digest.
    pub digests: Vec<String>,
    /// When it was made: RFC 3339; null if it does not say so.
    #[schema(required)]
    pub created: Option<String>,
    /// Its size in bytes, with what it shares with others.
    pub size_bytes: u64,
    /// The processors that it is for.
    #[schema(example = "amd64")]
    pub architecture: String,
    /// The operating system that it is for.
    #[schema(example = "linux")]
    pub os: String,
    /// Who made it; may be empty.
    pub author: String,
    /// What its maker said about it; may be empty.
    pub comment: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The program that its containers start with; may be empty.
    pub entrypoint: Vec<String>,
    /// Its default command; may be empty.
    pub command: Vec<String>,
    /// The environment of its containers.
    pub environment: BTreeMap<String, String>,
    /// The user that its containers run as; empty for root.
    pub user: String,
    /// The directory that its containers start in.
    pub workdir: String,
    /// The ports that it is known to listen on.
    #[schema(example = json!(["80/tcp"]))]
    pub ports: Vec<String>,
    /// The places that want a volume.
    pub volumes: Vec<String>,
    /// The digests of its layers, the lowest first.
    pub layers: Vec<String>,
    /// How it was made, the oldest step first.
    pub history: Vec<ImageHistory>,
}

/// A step in the making of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageHistory {
    /// When: RFC 3339; null if that is not known.
    #[schema(required)]
    pub created: Option<String>,
    /// By what command.
    pub created_by: String,
    /// What was said about it; may be empty.
    pub comment: String,
}

/// An image to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "image": "docker.io/library/alpine:latest" }))]
pub struct PullImage {
    /// Which.
    pub image: String,
    /// Who asks the registry; as Podman is set up if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<RegistryLogin>,
    /// The name of a registry that is known, with whose password it is asked. The image must be of that registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
}

/// Who asks a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryLogin {
    /// The name there.
    pub username: String,
    /// The password or token there. It is handed to Podman and kept nowhere.
    #[schema(value_type = String)]
    pub password: Hidden,
}

/// A name for an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "image": "alpine:latest", "name": "localhost/base:1" }))]
pub struct TagImage {
    /// Which.
    pub image: String,
    /// The name that it gets, taken from another image that may have it.
    pub name: String,
}

/// An image to be made of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "image": "localhost/lab:2", "changes": ["CMD [\"sh\"]"] }))]
pub struct CommitContainer {
    /// Its name.
    pub image: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether the container stands still meanwhile. If left out, it does where Podman can pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<bool>,
    /// What is different in it, as instructions of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<String>>,
}

/// The answer to the removal of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedImage {
    /// Always true.
    pub success: True,
    /// The names that lead to nothing now.
    pub untagged: Vec<String>,
    /// The IDs of what is gone; none while another name leads to it.
    pub deleted: Vec<String>,
}

/// The answer to a request to remove images that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrunedImages {
    /// Always true.
    pub success: True,
    /// The IDs of what is gone.
    pub removed: Vec<String>,
    /// How many bytes that has freed.
    pub reclaimed_bytes: u64,
}

/// The answer to an archive of images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoadedImages {
    /// Always true.
    pub success: True,
    /// The names of what was in it.
    pub names: Vec<String>,
}

/// An image that was fetched or built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeImage {
    /// Always true.
    pub success: True,
    /// It.
    pub image: Made,
}

/// An image that is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// Its short ID: 12 hexadecimal digits.
    #[schema(example = "86ed341fca93", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// Its name, as it was asked for.
    #[schema(example = "alpine:latest")]
    pub name: String,
}

/// One event of a transfer or a build. As a server-sent event its name is the event's and its data the
/// other fields as a JSON object; as a line of NDJSON they stand in one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ImageEvent {
    /// What is being done.
    Progress(ImageProgress),
    /// The image is there. The last event.
    Done(Made),
    /// It failed. The last event.
    Error(Failure),
    /// Nothing has happened for a while. NDJSON only.
    KeepAlive,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageProgress {
    /// In Podman's words.
    #[schema(example = "Downloading")]
    pub text: String,
    /// The first 12 digits of the digest of the layer, or of the image's configuration, that it is about; `null` if
    /// it is about none.
    #[schema(required, example = "6061e267330e")]
    pub layer: Option<String>,
    /// Bytes of it that have come; left out where Podman does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1_933_312)]
    pub current_bytes: Option<u64>,
    /// Bytes that it has; left out where Podman does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 14_238_887)]
    pub total_bytes: Option<u64>,
}
