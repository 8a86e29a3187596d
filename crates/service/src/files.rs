//! Files in a container.

use podlane_engine::InnerPath;

/// A file to be written.
#[derive(Clone)]
pub struct NewFile {
    /// Where, as the caller wrote it.
    pub path: String,
    /// What it shall hold.
    pub content: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner and group by number; `None` for the user that the container runs as.
    pub owner: Option<(u32, u32)>,
}

impl std::fmt::Debug for NewFile {
    /// Shows no content: a file may well be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewFile")
            .field("path", &self.path)
            .field("size", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is, links resolved.
    pub path: InnerPath,
    /// Its size in bytes.
    pub size: u64,
}

impl crate::Service {
    /// Writes a file.
    pub async fn write_file(
        &self,
        _call: &podlane_engine::Call,
        _name: &podlane_engine::ContainerRef,
        _file: NewFile,
    ) -> crate::Result<WrittenFile> {
        Err(crate::Error::Stopping)
    }
}
