//! Capabilities, devices and secrets.

use crate::extract::shown;
use crate::refusal::Refusal;
use podlane_api::SecretFile;
use podlane_engine::{ContainerName, InnerPath};

/// The kernel's capabilities. Source: capabilities(7).
const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

pub(super) fn capabilities(field: &'static str, wire: Vec<String>) -> Result<Vec<String>, Refusal> {
    let capability = |text: String| {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if name == "ALL" {
            return Ok("ALL".to_owned());
        }
        if CAPABILITIES.contains(&name) {
            return Ok(format!("CAP_{name}"));
        }
        let message = format!(
            "`{field}` must be names of capabilities, such as \"NET_ADMIN\", or \"ALL\", and \"{}\" is none",
            shown(&text)
        );
        Err(Refusal::field(field, message))
    };
    wire.into_iter().map(capability).collect()
}

pub(super) fn devices(wire: Vec<String>) -> Result<Vec<String>, Refusal> {
    match wire.iter().find(|text| !is_path(text) && !is_cdi(text)) {
        None => Ok(wire),
        Some(text) => {
            let message = format!(
                "`devices` must be like \"/dev/fuse\", \"/dev/a:/dev/b:rw\" or \"nvidia.com/gpu=all\", and \"{}\" is not",
                shown(text)
            );
            Err(Refusal::field("devices", message))
        }
    }
}

/// `/dev/a`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rwm`.
fn is_path(text: &str) -> bool {
    let mut parts = text.split(':');
    let device = |path: &str| path.starts_with("/dev/") && InnerPath::parse(path).is_ok();
    let rights = |text: &str| !text.is_empty() && text.bytes().all(|b| b"rwm".contains(&b));
    parts.next().is_some_and(device)
        && parts.next().is_none_or(device)
        && parts.next().is_none_or(rights)
        && parts.next().is_none()
}

/// `vendor.com/class=name`.
fn is_cdi(text: &str) -> bool {
    let word = |text: &str, more: &[u8]| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    text.split_once('=').is_some_and(|(kind, name)| {
        word(name, b"_-.:")
            && kind
                .split_once('/')
                .is_some_and(|(vendor, class)| word(vendor, b"_-.") && word(class, b"_-"))
    })
}

pub(super) fn secrets(wire: Vec<SecretFile>) -> Result<Vec<podlane_engine::SecretFile>, Refusal> {
    wire.into_iter().map(secret).collect()
}

fn secret(wire: SecretFile) -> Result<podlane_engine::SecretFile, Refusal> {
    let wrong = |why: &str| Refusal::field("secrets", format!("a secret {why}"));
    ContainerName::parse(&wire.name).map_err(|_| {
        wrong("has a `name` that no secret can have (letters, digits, '_', '.' and '-')")
    })?;
    let fits = |file: &str| {
        if file.starts_with('/') {
            InnerPath::parse(file).is_ok_and(|path| path.as_str() != "/")
        } else {
            ContainerName::parse(file).is_ok()
        }
    };
    if !wire.file.as_deref().is_none_or(fits) {
        return Err(wrong(
            "has a `file` that is neither a name below /run/secrets nor an absolute path",
        ));
    }
    let mode = match wire.mode.as_deref() {
        None => 0o444,
        Some(text) => {
            mode(text).ok_or_else(|| wrong("has a `mode` that is not octal, such as \"0400\""))?
        }
    };
    Ok(podlane_engine::SecretFile {
        name: wire.name,
        file: wire.file,
        uid: wire.uid.unwrap_or_default(),
        gid: wire.gid.unwrap_or_default(),
        mode,
    })
}

/// Three or four octal digits.
pub(super) fn mode(text: &str) -> Option<u32> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    octal.then(|| u32::from_str_radix(text, 8).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_one_form() {
        let read = |text: &str| capabilities("capabilities.add", vec![text.into()]);
        assert_eq!(read("net_admin"), Ok(vec!["CAP_NET_ADMIN".into()]));
        assert_eq!(read("CAP_CHOWN"), Ok(vec!["CAP_CHOWN".into()]));
        assert_eq!(read("all"), Ok(vec!["ALL".into()]));
        for bad in ["", "CAP_", "ROOT", "CAP_ALL_"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn devices_are_paths_or_cdi_names() {
        let read = |text: &str| devices(vec![text.into()]);
        for good in [
            "/dev/fuse",
            "/dev/a:/dev/b",
            "/dev/dri/card0:/dev/dri/card0:rw",
            "nvidia.com/gpu=all",
            "v/c=0:1",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "/dev/../etc/x",
            "/dev/a:",
            "/dev/a:/b",
            "/dev/a:/dev/b:x",
            "/dev/a:/dev/b:r:w",
            "gpu",
            "nvidia.com/gpu=",
            "/gpu=all",
            "a/b=c d",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_names_with_a_place() {
        let read = |json: &str| secrets(serde_json::from_str(json).expect(json));
        assert_eq!(read(r#"[{"name": "s"}]"#).expect("fine")[0].mode, 0o444);
        for bad in [
            r#"[{"name": ""}]"#,
            r#"[{"name": "a/b"}]"#,
            r#"[{"name": "a", "file": "../x"}]"#,
            r#"[{"name": "a", "file": "/"}]"#,
            r#"[{"name": "a", "mode": "0888"}]"#,
            r#"[{"name": "a", "mode": "7"}]"#,
        ] {
            assert_eq!(read(bad).expect_err(bad).what(), Some("secrets"), "{bad}");
        }
    }
}
