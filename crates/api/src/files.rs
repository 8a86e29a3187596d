//! Files in a container.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "dest_path": "/tmp/myfile.txt",
    "content": "Hello, World!\nThis is file content."
}))]
pub struct AddFile {
    /// Where: an absolute path. Missing directories are made.
    pub dest_path: String,
    /// What it shall hold; may be empty.
    #[schema(value_type = String)]
    pub content: Hidden,
    /// How `content` is written; `text` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<ContentEncoding>,
    /// Its permissions in octal; if left out those of the file that it replaces, else `0644`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0644", pattern = "^[0-7]{3,4}$")]
    pub mode: Option<String>,
    /// Its owner and group by number; the user that the container runs as if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1000:1000", pattern = "^[0-9]+:[0-9]+$")]
    pub owner: Option<String>,
}

/// How a file's bytes are written as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContentEncoding {
    /// As text, stored as UTF-8.
    #[default]
    Text,
    /// As Base64, with padding.
    Base64,
}

/// The answer to an added file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedFile {
    /// Always true.
    pub success: True,
    /// The file.
    pub file: File,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Its path as it was asked for.
    #[schema(example = "/tmp/myfile.txt")]
    pub dest_path: String,
    /// Its size in bytes.
    #[schema(example = 36)]
    pub size: u64,
    /// Where it is, links resolved.
    #[schema(example = "/tmp/myfile.txt")]
    pub path: String,
}
