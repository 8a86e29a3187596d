//! What the system's files say, from their text.

use super::{Distribution, IdRanges};

/// The distribution, from `/etc/os-release`.
pub(super) fn distribution(os_release: &str) -> Distribution {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name == key).then_some(value)
        });
        line.unwrap_or_default()
            .trim_matches(['"', '\''])
            .to_owned()
    };
    let ids = format!("{} {}", value("ID"), value("ID_LIKE"));
    let is = |names: &[&str]| ids.split_whitespace().any(|id| names.contains(&id));
    if is(&["debian", "ubuntu"]) {
        Distribution::Debian
    } else if is(&["fedora", "rhel", "centos"]) {
        Distribution::Fedora
    } else {
        Distribution::Other(value("PRETTY_NAME"))
    }
}

/// The name of a user, from `/etc/passwd`.
pub(super) fn user_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// What `/etc/subuid` (`users`) and `/etc/subgid` (`groups`) grant an account, by its name or its number.
pub(super) fn id_ranges(users: &str, groups: &str, name: &str, uid: u32) -> IdRanges {
    let entries = |text: &str| -> Vec<(bool, u64, u64)> {
        let lines = text.lines().filter_map(|line| {
            let mut fields = line.trim().split(':');
            let owner = fields.next()?;
            let ours = owner == name || owner == uid.to_string();
            let (first, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            Some((ours, first, count))
        });
        lines.collect()
    };
    let (uids, gids) = (entries(users), entries(groups));
    let granted = |entries: &[(bool, u64, u64)]| {
        let ours = entries.iter().filter(|(ours, ..)| *ours);
        ours.map(|(_, _, count)| *count).sum()
    };
    let ends = uids
        .iter()
        .chain(&gids)
        .map(|(_, first, count)| first.saturating_add(*count));
    IdRanges {
        uids: granted(&uids),
        gids: granted(&gids),
        free: ends.max().unwrap_or(0).max(100_000),
    }
}

/// Whether `/proc/self/status` lists `CAP_SYS_RESOURCE` among the effective capabilities.
pub(super) fn has_sys_resource(status: &str) -> bool {
    const CAP_SYS_RESOURCE: u32 = 24; // linux/capability.h
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> CAP_SYS_RESOURCE & 1 == 1)
}

/// The version in the output of `podman --version`.
pub(super) fn version(output: &str) -> Option<String> {
    let version = output.trim().strip_prefix("podman version ")?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_known_by_their_id_or_by_what_they_are_like() {
        assert_eq!(
            distribution("ID=debian\nVERSION_ID=\"12\"\n"),
            Distribution::Debian
        );
        assert_eq!(
            distribution("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distribution::Debian
        );
        assert_eq!(
            distribution("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            Distribution::Fedora
        );
        let arch = distribution("ID=arch\nPRETTY_NAME=\"Arch Linux\"\n");
        assert_eq!(arch, Distribution::Other("Arch Linux".into()));
    }

    #[test]
    fn id_ranges_are_summed_and_the_next_free_one_is_above_everybodys() {
        let subuid = "alice:100000:65536\nbob:165536:65536\n1000:300000:10\n";
        let ranges = id_ranges(subuid, "bob:165536:65536\n", "alice", 1000);
        assert_eq!((ranges.uids, ranges.gids, ranges.free), (65546, 0, 300_010));
        assert_eq!(id_ranges("", "", "alice", 1000).free, 100_000);
    }

    #[test]
    fn one_bit_of_the_capabilities_decides() {
        assert!(has_sys_resource("Name:\tx\nCapEff:\t000001ffffffffff\n"));
        assert!(!has_sys_resource("CapEff:\t000001fffeffffff\n"));
        assert!(!has_sys_resource(""));
    }

    #[test]
    fn names_and_versions_are_read() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(user_name(passwd, 7), None);
        assert_eq!(version("podman version 4.3.1\n").as_deref(), Some("4.3.1"));
    }
}
