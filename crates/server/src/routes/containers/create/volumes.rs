//! Mounts: host path or volume name → container path.

use crate::extract::shown;
use crate::refusal::Refusal;
use podlane_api::{UniqueMap, VolumeTarget};
use podlane_engine::{InnerPath, Mount, MountSource, VolumeName};

pub(super) fn mounts(wire: &UniqueMap<VolumeTarget>) -> Result<Vec<Mount>, Refusal> {
    let mut mounts: Vec<Mount> = Vec::new();
    for (key, target) in &wire.0 {
        let mount = mount(key, target)?;
        if mounts
            .iter()
            .any(|other| other.destination == mount.destination)
        {
            let why = format!("is seen at {}, and so is another entry", mount.destination);
            return Err(wrong(key, &why));
        }
        mounts.push(mount);
    }
    Ok(mounts)
}

fn wrong(key: &str, why: &str) -> Refusal {
    Refusal::field("volumes", format!("volumes[\"{}\"] {why}", shown(key)))
}

fn mount(key: &str, target: &VolumeTarget) -> Result<Mount, Refusal> {
    let (path, mode) = match target {
        VolumeTarget::Bind(bind) => (bind.bind.as_str(), bind.mode.as_deref()),
        VolumeTarget::Path(text) => match text.rsplit_once(':') {
            Some((path, mode)) => (path, Some(mode)),
            None => (text.as_str(), None),
        },
    };
    let read_only = match mode {
        None | Some("rw") => false,
        Some("ro") => true,
        Some(_) => return Err(wrong(key, "has an unknown mode: it is \"rw\" or \"ro\"")),
    };
    let destination = InnerPath::parse(path)
        .map_err(|error| wrong(key, &format!("leads to no container path: {error}")))?;
    if destination.as_str() == "/" {
        return Err(wrong(key, "must not cover the container's root directory"));
    }
    Ok(Mount {
        source: source(key)?,
        destination,
        read_only,
    })
}

/// What begins with `/` is a host path, anything else a volume's name, by the rule for container names.
fn source(key: &str) -> Result<MountSource, Refusal> {
    if key.starts_with('/') {
        let path = InnerPath::parse(key)
            .map_err(|error| wrong(key, &format!("is no host path: {error}")))?;
        return Ok(MountSource::Host(path.to_string()));
    }
    match VolumeName::parse(key) {
        Ok(name) => Ok(MountSource::Volume(name.to_string())),
        Err(_) => Err(wrong(
            key,
            "is neither an absolute host path nor a volume name (letters, digits, '_', '.' and '-')",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Mount>, Refusal> {
        mounts(&serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn every_form_of_the_contract() {
        let mount = |source, read_only| Mount {
            source,
            destination: InnerPath::parse("/ctr").expect("a path"),
            read_only,
        };
        let host = || MountSource::Host("/host".into());
        for (json, expected) in [
            (r#"{"/host": "/ctr"}"#, mount(host(), false)),
            (r#"{"/host/": "/ctr:rw"}"#, mount(host(), false)),
            (r#"{"//host": "/ctr:ro"}"#, mount(host(), true)),
            (r#"{"/host": {"bind": "/ctr"}}"#, mount(host(), false)),
            (
                r#"{"/host": {"bind": "/ctr", "mode": "ro"}}"#,
                mount(host(), true),
            ),
            (
                r#"{"data": "/ctr"}"#,
                mount(MountSource::Volume("data".into()), false),
            ),
        ] {
            assert_eq!(read(json), Ok(vec![expected]), "{json}");
        }
        assert_eq!(
            read(r#"{"/h": {"bind": "/a:b"}}"#).expect("fine")[0]
                .destination
                .as_str(),
            "/a:b"
        );
    }

    #[test]
    fn other_forms_are_named() {
        for json in [
            r#"{"": "/ctr"}"#,
            r#"{"./x": "/ctr"}"#,
            r#"{"../x": "/ctr"}"#,
            r#"{"~/x": "/ctr"}"#,
            r#"{"a/b": "/ctr"}"#,
            r#"{"/h/../etc": "/ctr"}"#,
            r#"{"/h\u0000": "/ctr"}"#,
            r#"{"/h": "ctr"}"#,
            r#"{"/h": ""}"#,
            r#"{"/h": "/"}"#,
            r#"{"/h": "/ctr/.."}"#,
            r#"{"/h": "/ctr:"}"#,
            r#"{"/h": "/ctr:z"}"#,
            r#"{"/h": "/ctr:ro,rshared"}"#,
            r#"{"/h": {"bind": "/ctr", "mode": "RO"}}"#,
            r#"{"/a": "/ctr", "/b": "/ctr/"}"#,
        ] {
            let refusal = read(json).expect_err(json);
            assert_eq!(refusal.what(), Some("volumes"), "{json}");
            assert!(refusal.to_string().starts_with("volumes[\""), "{refusal}");
        }
    }
}
