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
    let mut builder = tar::Builder::new(times(head.modified)?);
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

/// What comes before an entry whose time is no whole number of seconds since 1970. Source: POSIX, pax, "pax
/// Extended Header".
fn times((seconds, nanoseconds): (i64, u32)) -> Result<Vec<u8>> {
    if nanoseconds == 0 && seconds >= 0 {
        return Ok(Vec::with_capacity(BLOCK));
    }
    // -1.25 is 0.75 after -2.
    let (sign, whole, parts) = match (seconds, nanoseconds) {
        (..0, 1..) => (
            "-",
            (seconds + 1).unsigned_abs(),
            1_000_000_000 - nanoseconds,
        ),
        (..0, 0) => ("-", seconds.unsigned_abs(), 0),
        _ => ("", seconds.unsigned_abs(), nanoseconds),
    };
    let record = format!(" mtime={sign}{whole}.{parts:09}\n");
    // Its length counts its own two digits.
    let record = format!("{}{record}", record.len() + 2);
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_size(record.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut builder = tar::Builder::new(Vec::with_capacity(3 * BLOCK));
    let appended = builder.append_data(&mut header, "PaxHeaders/entry", record.as_bytes());
    appended.map_err(packing)?;
    Ok(std::mem::take(builder.get_mut()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tar::Reader;
    use futures_util::{StreamExt, stream};

    #[tokio::test]
    async fn times_are_read_back() {
        for modified in [
            (0, 0),
            (7, 0),
            (1_700_000_000, 5_000),
            (-1, 0),
            (-2, 750_000_000),
            (-1, 1),
            (9_000_000_000, 1),
        ] {
            let head_of = Head {
                path: "f".into(),
                kind: HeadKind::File,
                size: 0,
                mode: 0o644,
                owner: (0, 0),
                modified,
                target: Vec::new(),
            };
            let pieces = [head(&head_of), Ok(end())];
            let mut reader = Reader::new(stream::iter(pieces).boxed(), |why| {
                crate::Error::invalid("archive", why)
            });
            let read = reader.next().await.expect("an entry").expect("one");
            assert_eq!(read, head_of);
        }
    }
}
