//! What an archive says of an entry. Pure: bytes in, nouns out.

use super::BLOCK;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    File,
    Directory,
    Symlink,
    /// Another name of an entry before it.
    Link,
    /// A device, a named pipe, or what else there may be.
    Other,
}

/// What an archive says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// As it stands there.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: HeadKind,
    /// The content that follows, in bytes.
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) modified: (i64, u32),
    /// Where a link leads, as it stands there.
    pub(crate) target: Vec<u8>,
}

/// What stands before an entry about it, instead of what its own header says.
#[derive(Debug, Default)]
pub(super) struct Extension {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    owner: (Option<u32>, Option<u32>),
    modified: Option<(i64, u32)>,
}

/// What a header is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Entry(Box<Head>),
    /// So many bytes follow that are about the next entry.
    Extension(Kind, u64),
    /// Nothing but zeros.
    Zero,
}

/// The forms of extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    LongPath,
    LongTarget,
    Pax,
    /// About all entries from here on.
    PaxForAll,
}

/// Reads a header.
pub(super) fn block(bytes: &[u8; BLOCK], about: &mut Extension) -> Result<Block, &'static str> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(Block::Zero);
    }
    let header = tar::Header::from_byte_slice(bytes);
    let sum = |sum: u32, byte: &u8| sum + u32::from(*byte);
    let own = bytes[..148].iter().chain(&bytes[156..]).fold(8 * 32, sum);
    if header.cksum().ok() != Some(own) {
        return Err("a header's checksum is wrong");
    }
    let size = header.entry_size().map_err(|_| "a size is no number")?;
    let kind = header.entry_type();
    let extension = match kind {
        tar::EntryType::GNULongName => Some(Kind::LongPath),
        tar::EntryType::GNULongLink => Some(Kind::LongTarget),
        tar::EntryType::XHeader => Some(Kind::Pax),
        tar::EntryType::XGlobalHeader => Some(Kind::PaxForAll),
        tar::EntryType::GNUSparse => return Err("sparse files are not taken"),
        _ => None,
    };
    if let Some(kind) = extension {
        return Ok(Block::Extension(kind, size));
    }
    let about = std::mem::take(about);
    let path = about
        .path
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let kind = match kind {
        // What is no directory by its type is one by its name. Source: POSIX pax, ustar's old regular files.
        tar::EntryType::Regular if path.ends_with(b"/") => HeadKind::Directory,
        tar::EntryType::Regular | tar::EntryType::Continuous => HeadKind::File,
        tar::EntryType::Directory => HeadKind::Directory,
        tar::EntryType::Symlink => HeadKind::Symlink,
        tar::EntryType::Link => HeadKind::Link,
        _ => HeadKind::Other,
    };
    let number = |read: std::io::Result<u64>| read.ok().and_then(|id| u32::try_from(id).ok());
    let time = header.mtime().unwrap_or_default();
    let target = header.link_name_bytes().unwrap_or_default().into_owned();
    Ok(Block::Entry(Box::new(Head {
        path,
        kind,
        size: about.size.unwrap_or(size),
        mode: header.mode().map_err(|_| "a mode is no number")? & 0o7777,
        owner: (
            about
                .owner
                .0
                .or_else(|| number(header.uid()))
                .unwrap_or_default(),
            about
                .owner
                .1
                .or_else(|| number(header.gid()))
                .unwrap_or_default(),
        ),
        modified: about
            .modified
            .unwrap_or((i64::try_from(time).unwrap_or_default(), 0)),
        target: about.target.unwrap_or(target),
    })))
}

impl Extension {
    /// Takes in what is said about the next entry.
    pub(super) fn read(&mut self, kind: Kind, text: &[u8]) -> Result<(), &'static str> {
        let name = || {
            text.split(|byte| *byte == 0)
                .next()
                .unwrap_or_default()
                .to_vec()
        };
        match kind {
            Kind::LongPath => self.path = Some(name()),
            Kind::LongTarget => self.target = Some(name()),
            Kind::Pax => {
                for record in tar::PaxExtensions::new(text) {
                    let record = record.map_err(|_| "an extended header is broken")?;
                    self.record(record.key_bytes(), record.value_bytes())?;
                }
            }
            Kind::PaxForAll => {
                for record in tar::PaxExtensions::new(text) {
                    let record = record.map_err(|_| "an extended header is broken")?;
                    let known =
                        matches!(record.key_bytes(), b"comment" | b"charset" | b"hdrcharset");
                    if !known {
                        return Err("a global header may only hold a comment");
                    }
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        let text = || std::str::from_utf8(value).map_err(|_| "an extended header is no text");
        let number = || {
            text()?
                .parse()
                .map_err(|_| "an extended header's number is none")
        };
        let id = || number().map(|id: u64| u32::try_from(id).ok());
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.target = Some(value.to_vec()),
            b"size" => self.size = Some(number()?),
            b"uid" => self.owner.0 = id()?,
            b"gid" => self.owner.1 = id()?,
            b"mtime" => self.modified = Some(time(text()?).ok_or("a time is no number")?),
            key if key.starts_with(b"GNU.sparse.") => return Err("sparse files are not taken"),
            // Of the rest (names of owners, other times, attributes) nothing is kept.
            _ => {}
        }
        Ok(())
    }
}

/// Seconds since 1970 with decimals.
fn time(text: &str) -> Option<(i64, u32)> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = seconds.parse().ok()?;
    if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nine: String = decimals
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanoseconds: u32 = nine.parse().ok()?;
    // -1.25 is 0.75 after -2.
    Some(match (text.starts_with('-'), nanoseconds) {
        (true, 1..) => (whole.checked_sub(1)?, 1_000_000_000 - nanoseconds),
        _ => (whole, nanoseconds),
    })
}
