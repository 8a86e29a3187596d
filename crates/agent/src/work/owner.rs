//! Who is to own what is made.

use super::answer::{At, Failed};
use super::resolve::{self, Link};
use podlane_inside::{Owner, Reason};
use rustix::fs::{AtFlags, Gid, Stat, Uid};
use rustix::io::Errno;
use std::os::fd::AsFd;

/// More than any list of accounts has.
const ACCOUNTS: usize = 8 << 20;

/// An owner by numbers; `None` is whoever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ownership {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

impl Ownership {
    pub(super) fn of(found: &Stat) -> Self {
        Self {
            uid: Some(found.st_uid),
            gid: Some(found.st_gid),
        }
    }

    /// Looks names up in the container's lists of accounts.
    pub(super) fn find(owner: &Owner) -> Result<Self, Failed> {
        match owner {
            Owner::Keep => Ok(Self::default()),
            Owner::Numbers { uid, gid } => Ok(Self {
                uid: *uid,
                gid: *gid,
            }),
            Owner::Named(name) => named(name),
        }
    }

    fn ids(self) -> (Option<Uid>, Option<Gid>) {
        (self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw))
    }

    /// Whether it is owned so.
    pub(super) fn is_of(self, found: &Stat) -> bool {
        self.uid.is_none_or(|uid| uid == found.st_uid)
            && self.gid.is_none_or(|gid| gid == found.st_gid)
    }

    /// Gives what is open away.
    pub(super) fn give(self, open: impl AsFd) -> rustix::io::Result<()> {
        if self == Self::default() {
            return Ok(());
        }
        let (uid, gid) = self.ids();
        rustix::fs::chownat(open, "", uid, gid, AtFlags::EMPTY_PATH).map_err(unmapped)
    }

    /// Gives away what has a name in a directory; a symbolic link is given away itself.
    pub(super) fn give_name(self, directory: impl AsFd, name: &[u8]) -> rustix::io::Result<()> {
        if self == Self::default() {
            return Ok(());
        }
        let (uid, gid) = self.ids();
        let itself = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(directory, name, uid, gid, itself).map_err(unmapped)
    }
}

/// A number that the user namespace does not have is all that can be invalid about an owner. Of that the kernel
/// says the other thing where something would be made with it.
pub(super) fn unmapped(error: Errno) -> Errno {
    match error {
        Errno::INVAL => Errno::OVERFLOW,
        other => other,
    }
}

/// `user`, `user:group` or `:group`, each a name or a number.
fn named(owner: &str) -> Result<Ownership, Failed> {
    let (user, group) = match owner.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (owner, None),
    };
    let mut found = Ownership::default();
    if !user.is_empty() {
        let accounts = accounts(b"/etc/passwd")?;
        let (uid, gid) = user_in(&accounts, user).ok_or_else(|| unknown("user", user))?;
        found = Ownership {
            uid: Some(uid),
            gid: Some(gid),
        };
    }
    if let Some(group) = group {
        let gid = match group.parse() {
            Ok(gid) => Some(gid),
            Err(_) => group_in(&accounts(b"/etc/group")?, group),
        };
        found.gid = Some(gid.ok_or_else(|| unknown("group", group))?);
    }
    Ok(found)
}

fn unknown(what: &str, name: &str) -> Failed {
    Failed::invalid(&format!("the container has no {what} named {name}"), &[])
}

/// The user's numbers. One by number alone is in group 0, as engines have it.
fn user_in(accounts: &[u8], user: &str) -> Option<(u32, u32)> {
    let number: Option<u32> = user.parse().ok();
    for line in accounts.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, uid) = (fields.next(), fields.nth(1).and_then(parse));
        let Some((uid, gid)) = uid.zip(fields.next().and_then(parse)) else {
            continue;
        };
        if name == Some(user.as_bytes()) || number == Some(uid) {
            return Some((uid, gid));
        }
    }
    number.map(|uid| (uid, 0))
}

fn group_in(groups: &[u8], group: &str) -> Option<u32> {
    let mut lines = groups.split(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        (fields.next() == Some(group.as_bytes()))
            .then(|| fields.nth(1).and_then(parse))
            .flatten()
    })
}

fn parse(number: &[u8]) -> Option<u32> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// A list of accounts; without the file it is empty.
fn accounts(path: &[u8]) -> Result<Vec<u8>, Failed> {
    let opened = resolve::spot(path, Link::Followed, None).and_then(|spot| spot.open_file());
    let (file, found) = match opened {
        Err(failed) if failed.reason() == Some(&Reason::NotFound) => return Ok(Vec::new()),
        opened => opened?,
    };
    if usize::try_from(found.st_size).unwrap_or(usize::MAX) > ACCOUNTS {
        return Err(Failed::new(Reason::Limit("8 MiB of accounts".into()), path));
    }
    let mut content = Vec::new();
    let mut piece = [0; 16 << 10];
    while content.len() <= ACCOUNTS {
        match rustix::io::read(&file, &mut piece).at(path)? {
            0 => break,
            read => content.extend_from_slice(&piece[..read]),
        }
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken\nalice:x:1000:1001::/home/alice:/bin/sh\n1234:x:7:8::/:\n";

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(user_in(PASSWD, "alice"), Some((1000, 1001)));
        assert_eq!(user_in(PASSWD, "1000"), Some((1000, 1001)));
        assert_eq!(user_in(PASSWD, "1234"), Some((7, 8)));
        assert_eq!(user_in(PASSWD, "4000"), Some((4000, 0)));
        assert_eq!(user_in(PASSWD, "nobody"), None);
        assert_eq!(user_in(b"", "0"), Some((0, 0)));
    }

    #[test]
    fn groups_are_found_by_name() {
        let groups = b"root:x:0:\nstaff:x:50:alice\nbad:x:minus:\n";
        assert_eq!(group_in(groups, "staff"), Some(50));
        assert_eq!(group_in(groups, "bad"), None);
        assert_eq!(group_in(groups, "none"), None);
    }
}
