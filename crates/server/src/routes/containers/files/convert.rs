//! A file's body to the service's noun.

use crate::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{AddFile, ContentEncoding};
use podlane_service::NewFile;

pub(super) fn new_file(body: AddFile) -> Result<NewFile, Refusal> {
    let content = match body.encoding.unwrap_or_default() {
        ContentEncoding::Text => body.content.0.into_bytes(),
        ContentEncoding::Base64 => STANDARD.decode(body.content.0).map_err(|_| {
            Refusal::field(
                "content",
                "the content is not Base64 (with padding, without line breaks)",
            )
        })?,
    };
    Ok(NewFile {
        path: body.dest_path,
        content,
        mode: body.mode.as_deref().map(mode).transpose()?,
        owner: body.owner.as_deref().map(owner).transpose()?,
    })
}

/// Three or four octal digits.
fn mode(text: &str) -> Result<u32, Refusal> {
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
fn owner(text: &str) -> Result<(u32, u32), Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str, value: &str) -> Result<NewFile, Refusal> {
        let mut body = serde_json::json!({"dest_path": "/f", "content": "aGk="});
        body[field] = value.into();
        new_file(serde_json::from_value(body).expect("a body"))
    }

    #[test]
    fn fields_have_one_meaning() {
        let file = read("encoding", "base64").expect("fine");
        assert_eq!(
            (file.content.as_slice(), file.mode, file.owner),
            (&b"hi"[..], None, None)
        );
        assert_eq!(read("encoding", "text").expect("fine").content, b"aGk=");
        assert_eq!(read("mode", "0600").expect("fine").mode, Some(0o600));
        assert_eq!(read("mode", "755").expect("fine").mode, Some(0o755));
        assert_eq!(
            read("owner", "0:1000").expect("fine").owner,
            Some((0, 1000))
        );
        assert_eq!(read("content", "").expect("fine").content, b"");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (field, value) in [
            ("mode", ""),
            ("mode", "8"),
            ("mode", "0888"),
            ("mode", "0o644"),
            ("mode", "10000"),
            ("mode", "+644"),
            ("mode", "u+x"),
            ("owner", ""),
            ("owner", "root"),
            ("owner", "root:root"),
            ("owner", "1000"),
            ("owner", ":"),
            ("owner", "1:2:3"),
            ("owner", "-1:0"),
            ("owner", "+1:0"),
            ("owner", "4294967295:0"),
        ] {
            let refusal = read(field, value).expect_err(value);
            assert_eq!(refusal.what(), Some(field), "{value}");
        }
        let body = serde_json::json!({"dest_path": "/f", "content": "a b", "encoding": "base64"});
        let refusal = new_file(serde_json::from_value(body).expect("a body")).expect_err("no");
        assert_eq!(refusal.what(), Some("content"));
    }
}
