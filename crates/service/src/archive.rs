//! Tar archives, made by us and uncompressed: an engine is never handed a foreign one.

use crate::{Error, Result};
use bytes::Bytes;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// An archive in the making.
pub(crate) struct Packer(tar::Builder<Vec<u8>>);

/// The permission bits and the owner of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
}

impl Attributes {
    pub(crate) fn new(mode: u32, owner: (u32, u32)) -> Self {
        Self { mode, owner }
    }

    fn header(self, kind: tar::EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(self.mode);
        header.set_uid(self.owner.0.into());
        header.set_gid(self.owner.1.into());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        header.set_mtime(now);
        header
    }
}

impl Packer {
    /// An empty archive with room for `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self(tar::Builder::new(Vec::with_capacity(size)))
    }

    pub(crate) fn file(&mut self, path: &str, content: &[u8], as_: Attributes) -> Result<()> {
        let mut header = as_.header(tar::EntryType::Regular, content.len() as u64);
        self.0
            .append_data(&mut header, path, content)
            .map_err(packing)
    }

    pub(crate) fn directory(&mut self, path: &str, as_: Attributes) -> Result<()> {
        let mut header = as_.header(tar::EntryType::Directory, 0);
        self.0
            .append_data(&mut header, format!("{path}/"), std::io::empty())
            .map_err(packing)
    }

    /// A second name of a file that is there when this is unpacked. What has that name then, if it is
    /// no directory, makes way.
    pub(crate) fn link(&mut self, path: &str, file: &str, as_: Attributes) -> Result<()> {
        let mut header = as_.header(tar::EntryType::Link, 0);
        self.0.append_link(&mut header, path, file).map_err(packing)
    }

    /// An entry of another archive, under another path.
    pub(crate) fn copy(
        &mut self,
        path: &Path,
        header: &tar::Header,
        content: impl Read,
    ) -> Result<()> {
        self.0
            .append_data(&mut header.clone(), path, content)
            .map_err(packing)
    }

    pub(crate) fn finish(self) -> Result<Bytes> {
        self.0.into_inner().map(Bytes::from).map_err(packing)
    }
}

pub(crate) fn packing(error: impl std::fmt::Display) -> Error {
    Error::Internal {
        step: "packing an archive",
        reason: error.to_string(),
    }
}
