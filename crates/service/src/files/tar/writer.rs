//! An archive written as it goes.

use super::BLOCK;
use super::head::{Head, HeadKind};
use crate::Result;
use crate::archive::packing;
use bytes::Bytes;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A block of zeros, twice: an end.
static ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// What stands before an entry's content.
pub(crate) fn head(head: &Head) -> Result<Bytes> {
    let kind = match head.kind {
        HeadKind::File | HeadKind::Other => tar::EntryType::Regular,
        HeadKind::Directory => tar::EntryType::Directory,
        HeadKind::Symlink => tar::EntryType::Symlink,
        HeadKind::Link => tar::EntryType::Link,
    };
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(head.size);
    header.set_mode(head.mode);
    header.set_uid(head.owner.0.into());
    header.set_gid(head.owner.1.into());
    header.set_mtime(u64::try_from(head.modified.0).unwrap_or_default());
    let path = |bytes| Path::new(OsStr::from_bytes(bytes)).to_owned();
    let mut builder = tar::Builder::new(Vec::with_capacity(BLOCK));
    match head.kind {
        HeadKind::Symlink | HeadKind::Link => {
            builder.append_link(&mut header, path(&head.path), path(&head.target))
        }
        HeadKind::Directory => {
            let slashed = [head.path.as_slice(), b"/"].concat();
            builder.append_data(&mut header, path(&slashed), io::empty())
        }
        HeadKind::File | HeadKind::Other => {
            builder.append_data(&mut header, path(&head.path), io::empty())
        }
    }
    .map_err(packing)?;
    Ok(std::mem::take(builder.get_mut()).into())
}

/// What stands behind so many bytes of content.
pub(crate) fn padding(size: u64) -> Bytes {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    Bytes::from_static(&ZEROS[..(BLOCK - over) % BLOCK])
}

/// The end of an archive.
pub(crate) fn end() -> Bytes {
    Bytes::from_static(&ZEROS)
}
