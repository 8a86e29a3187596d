//! What is done to files and directories, and what is told of them.

use crate::{ContentEncoding, Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What something in a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device; of a container that does not run, anything that is none of the first three.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

/// Something in a container's file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    /// Its path; in a list below the directory that is listed. What is no UTF-8 is replaced.
    #[schema(example = "/etc/hostname")]
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits in octal.
    #[schema(example = "0644")]
    pub mode: String,
    /// Its owner's number; left out where Podman does not tell it: without an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uid: Option<u32>,
    /// Its group's number; left out like `uid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gid: Option<u32>,
    /// When its content was last changed: RFC 3339, UTC.
    #[schema(example = "2026-11-23T15:54:16.841143209Z")]
    pub modified: String,
    /// How many names it has; left out like `uid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub links: Option<u64>,
    /// What stands in a symbolic link; without an agent, where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target: Option<String>,
}

/// The answer to a look at a path, and to what was done there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownFile {
    /// Always true.
    pub success: True,
    /// What is there.
    pub file: FileInfo,
}

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadFile {
    /// Always true.
    pub success: True,
    /// The file.
    pub file: FileInfo,
    /// How `content` is written: as text if it is UTF-8.
    pub encoding: ContentEncoding,
    /// What it holds.
    #[schema(value_type = String)]
    pub content: Hidden,
}

/// What a file is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "content": "Hello, World!" }))]
pub struct WriteFile {
    /// What it shall hold; may be empty.
    #[schema(value_type = String)]
    pub content: Hidden,
    /// How `content` is written; `text` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub encoding: Option<ContentEncoding>,
}

/// A part of what is in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedFiles {
    /// Always true.
    pub success: True,
    /// What is there, a directory before what is in it, else by the bytes of names.
    pub files: Vec<FileInfo>,
    /// The `cursor` of the next part; left out after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedFile {
    /// Always true.
    pub success: True,
    /// How many files, directories and links; left out where that is not known: without an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entries: Option<u64>,
}

/// Something done to files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "operation", rename_all = "lowercase", deny_unknown_fields)]
#[schema(example = json!({ "operation": "move", "path": "/srv/new", "to": "/srv/current", "replace": true }))]
pub enum FileOperation {
    /// Makes a directory.
    Mkdir {
        /// Where.
        path: String,
        /// Its permissions in octal; `0755` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// Its owner and group by number; the user that the container runs as if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Whether missing directories above it are made, and one that is there is fine.
        #[serde(default)]
        parents: bool,
    },
    /// Makes a symbolic link.
    Symlink {
        /// Where.
        path: String,
        /// What stands in it; need not exist.
        target: String,
        /// Its owner and group by number; the user that the container runs as if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Whether missing directories above it are made.
        #[serde(default)]
        parents: bool,
    },
    /// Gives something another path.
    Move {
        /// From where; a symbolic link is moved itself.
        path: String,
        /// To where.
        to: String,
        /// Its new owner and group by number; they stay if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Whether a file that is there already makes way, or an empty directory for a directory.
        #[serde(default)]
        replace: bool,
        /// Whether missing directories above it are made.
        #[serde(default)]
        parents: bool,
    },
    /// Doubles something.
    Copy {
        /// What; a symbolic link is copied itself.
        path: String,
        /// To where.
        to: String,
        /// The owner and group of the copy by number; the user that the container runs as if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Whether a directory is copied, with all that is in it.
        #[serde(default)]
        recursive: bool,
        /// Whether a file that is there already makes way, or an empty directory for a directory.
        #[serde(default)]
        replace: bool,
        /// Whether missing directories above it are made.
        #[serde(default)]
        parents: bool,
    },
    /// Changes permissions, owner or time.
    Change {
        /// Of what; a symbolic link is followed.
        path: String,
        /// The permissions in octal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// The owner and group by number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// When its content was last changed: RFC 3339.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modified: Option<String>,
        /// Whether all that is in a directory is changed too; no symbolic link is followed then.
        #[serde(default)]
        recursive: bool,
    },
    /// Removes something.
    Delete {
        /// What; a symbolic link is removed itself.
        path: String,
        /// Whether a directory that is not empty is removed.
        #[serde(default)]
        recursive: bool,
    },
}

/// The answer to an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoneFileOperation {
    /// Always true.
    pub success: True,
    /// What is there now; left out for `delete` and `change`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<FileInfo>,
    /// How many things were deleted or changed; left out where that is not known: without an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entries: Option<u64>,
}

/// A line that holds what was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileMatch {
    /// The file, below what was searched; empty if that is the file.
    pub path: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The line, cut if it is very long.
    pub text: String,
    /// The first byte of the first occurrence in the line, from 0.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchedFiles {
    /// Always true.
    pub success: True,
    /// The lines.
    pub matches: Vec<FileMatch>,
    /// How many files were searched.
    pub files: u64,
    /// How many were not, or not to their end: too large, unreadable, binary.
    pub skipped: u64,
    /// Whether there are more lines than were asked for.
    pub more: bool,
}

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpackedArchive {
    /// Always true.
    pub success: True,
    /// How many files, directories and links.
    pub entries: u64,
    /// The content of all files, in bytes.
    pub bytes: u64,
}

/// The answer to one file or to many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Added {
    /// To one, as JSON.
    One(crate::AddedFile),
    /// To many, as a form.
    Many(AddedFiles),
}

/// The answer to many files: one row for each, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedFiles {
    /// Whether all were written.
    pub success: bool,
    /// The files.
    pub files: Vec<FileRow>,
}

/// What became of one file of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileRow {
    /// Its path as it was asked for.
    pub dest_path: String,
    /// The file; left out if it was not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<FileInfo>,
    /// Why it was not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<crate::ErrorDetail>,
}

/// What happened to a file: the data of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileEvent {
    /// What it happened to, below what is watched; empty for that itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path: Option<String>,
    /// Its former path, of a `moved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// What it is, or was, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<FileKind>,
    /// How many events were lost, of a `lost`; left out if that is not known, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lost: Option<u64>,
    /// Why the watch is over, of an `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}
