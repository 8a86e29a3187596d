//! Bodies to the service's nouns, and back.

use crate::refusal::Refusal;
use crate::routes::values;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ContentEncoding, FileInfo, FileKind, Hidden};
use podlane_engine::inside::Kind;
use std::ops::RangeInclusive;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// RFC 9110's form of times, in GMT.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The times that file systems and Podman keep: from 32 bits of seconds to 64 of nanoseconds.
const KEPT: RangeInclusive<i64> = -(1 << 31)..=i64::MAX / 1_000_000_000 - 1;

/// A file's content as it is written in JSON.
pub(super) fn content(text: String, encoding: Option<ContentEncoding>) -> Result<Vec<u8>, Refusal> {
    values::bytes("content", text, encoding)
}

/// The reverse: text if it is some.
pub(super) fn written(content: Vec<u8>) -> (ContentEncoding, Hidden) {
    match String::from_utf8(content) {
        Ok(text) => (ContentEncoding::Text, Hidden(text)),
        Err(bytes) => {
            let text = STANDARD.encode(bytes.as_bytes());
            (ContentEncoding::Base64, Hidden(text))
        }
    }
}

/// Three or four octal digits.
pub(super) fn mode(text: &str) -> Result<u32, Refusal> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|_| octal)
        .ok_or_else(|| {
            Refusal::field(
                "mode",
                "a mode has three or four octal digits, like \"0644\"",
            )
        })
}

/// `uid:gid`, both numbers that an account can have.
pub(super) fn owner(text: &str) -> Result<(u32, u32), Refusal> {
    let id = |digits: &str| {
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        // The highest number means "nobody in particular" to the kernel.
        digits.parse().ok().filter(|id| plain && *id < u32::MAX)
    };
    text.split_once(':')
        .and_then(|(uid, gid)| Some((id(uid)?, id(gid)?)))
        .ok_or_else(|| {
            Refusal::field(
                "owner",
                "an owner is a user and a group by number, like \"1000:1000\"",
            )
        })
}

pub(super) fn info(info: &podlane_service::FileInfo) -> FileInfo {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let (seconds, nanoseconds) = info.modified;
    FileInfo {
        path: text(&info.path),
        kind: kind(info.kind),
        size: info.size,
        mode: format!("{:04o}", info.mode),
        uid: info.owner.map(|(uid, _)| uid),
        gid: info.owner.map(|(_, gid)| gid),
        modified: time(seconds, nanoseconds)
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_default(),
        links: info.links,
        target: info.target.as_ref().map(text),
    }
}

pub(super) fn kind(kind: Kind) -> FileKind {
    match kind {
        Kind::File => FileKind::File,
        Kind::Directory => FileKind::Directory,
        Kind::Symlink => FileKind::Symlink,
        Kind::Fifo => FileKind::Fifo,
        Kind::Socket => FileKind::Socket,
        Kind::CharacterDevice => FileKind::CharacterDevice,
        Kind::BlockDevice => FileKind::BlockDevice,
    }
}

fn time(seconds: i64, nanoseconds: u32) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    time.replace_nanosecond(nanoseconds).ok()
}

/// A time for `Last-Modified`.
pub(super) fn http_date(seconds: i64) -> String {
    time(seconds, 0)
        .and_then(|time| time.format(HTTP_DATE).ok())
        .unwrap_or_default()
}

/// A time by RFC 3339: seconds since 1970, and nanoseconds.
pub(super) fn modified(text: &str) -> Result<(i64, u32), Refusal> {
    let refused = |why| Refusal::field("modified", why);
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| refused("a time is written like 2026-11-23T15:54:16Z"))?;
    let seconds = time.unix_timestamp();
    if !KEPT.contains(&seconds) {
        return Err(refused(
            "a file can have a time from 1901-12-14 to 2262-04-11",
        ));
    }
    Ok((seconds, time.nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_one_meaning() {
        assert_eq!(
            content("aGk=".into(), Some(ContentEncoding::Base64)),
            Ok(b"hi".to_vec())
        );
        assert_eq!(content("aGk=".into(), None), Ok(b"aGk=".to_vec()));
        assert_eq!(content(String::new(), None), Ok(Vec::new()));
        assert_eq!(mode("0600"), Ok(0o600));
        assert_eq!(mode("755"), Ok(0o755));
        assert_eq!(owner("0:1000"), Ok((0, 1000)));
        assert_eq!(
            written(b"hi".to_vec()),
            (ContentEncoding::Text, "hi".into())
        );
        assert_eq!(
            written(vec![0xff]),
            (ContentEncoding::Base64, "/w==".into())
        );
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(modified("1970-01-01T00:00:01.5Z"), Ok((1, 500_000_000)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for wrong in ["", "8", "0888", "0o644", "10000", "+644", "u+x"] {
            assert_eq!(mode(wrong).expect_err(wrong).what(), Some("mode"));
        }
        for wrong in [
            "",
            "root",
            "root:root",
            "1000",
            ":",
            "1:2:3",
            "-1:0",
            "+1:0",
            "4294967295:0",
        ] {
            assert_eq!(owner(wrong).expect_err(wrong).what(), Some("owner"));
        }
        let wrong = content("a b".into(), Some(ContentEncoding::Base64));
        assert_eq!(wrong.expect_err("no").what(), Some("content"));
        for wrong in [
            "yesterday",
            "2300-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "1900-01-01T00:00:00Z",
        ] {
            assert_eq!(modified(wrong).expect_err(wrong).what(), Some("modified"));
        }
        assert_eq!(modified("1969-12-31T23:59:59Z"), Ok((-1, 0)));
    }
}
