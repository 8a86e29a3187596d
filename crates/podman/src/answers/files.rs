//! Paths in containers.

use podlane_engine::{FileKind, FileStat, InnerPath};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The bits of Go's `os.FileMode`, which libpod puts into JSON as a number.
mod go_mode {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const SPECIAL: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const STICKY: u32 = 1 << 20;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathStat {
    #[serde(default)]
    size: i64,
    mode: u32,
    #[serde(default)]
    mtime: String,
    #[serde(default)]
    link_target: String,
}

/// A time as Go writes it: RFC 3339.
fn modified(text: &str) -> Option<(i64, u32)> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some((time.unix_timestamp(), time.nanosecond()))
}

impl From<PathStat> for FileStat {
    fn from(stat: PathStat) -> Self {
        let is = |bits: u32| stat.mode & bits != 0;
        let kind = if is(go_mode::SYMLINK) {
            FileKind::Symlink
        } else if is(go_mode::DIRECTORY) {
            FileKind::Directory
        } else if is(go_mode::SPECIAL) {
            FileKind::Special
        } else {
            FileKind::Regular
        };
        let bit = |bits, value: u32| if is(bits) { value } else { 0 };
        Self {
            kind,
            size: u64::try_from(stat.size).unwrap_or_default(),
            mode: stat.mode & 0o777
                | bit(go_mode::SETUID, 0o4000)
                | bit(go_mode::SETGID, 0o2000)
                | bit(go_mode::STICKY, 0o1000),
            modified: modified(&stat.mtime).unwrap_or_default(),
            target: (kind == FileKind::Symlink)
                .then(|| InnerPath::parse(&stat.link_target).ok())
                .flatten(),
        }
    }
}
