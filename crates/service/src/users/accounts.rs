//! The account files as text: passwd(5), group(5), shadow(5), gshadow(5). Pure: what was there stays
//! byte for byte, what is new comes behind it.

use crate::{Error, Result};

/// The first and the last ID of ordinary accounts. Source: login.defs(5), `UID_MIN` and `UID_MAX`.
const FIRST_ID: u32 = 1000;
const LAST_ID: u32 = 59_999;

/// The content of the account files; `None` for one that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Files {
    pub(super) passwd: Option<Vec<u8>>,
    pub(super) group: Option<Vec<u8>>,
    pub(super) shadow: Option<Vec<u8>>,
    pub(super) gshadow: Option<Vec<u8>>,
}

fn lines(file: Option<&Vec<u8>>) -> impl Iterator<Item = &[u8]> {
    file.into_iter()
        .flat_map(|bytes| bytes.split(|byte| *byte == b'\n'))
}

fn field(line: &[u8], number: usize) -> Option<&[u8]> {
    line.split(|byte| *byte == b':').nth(number)
}

fn names<'a>(file: Option<&'a Vec<u8>>, name: &'a str) -> bool {
    lines(file).any(|line| line.contains(&b':') && field(line, 0) == Some(name.as_bytes()))
}

/// The IDs that stand third in each line.
fn ids(file: Option<&Vec<u8>>) -> Vec<u32> {
    let id = |line| std::str::from_utf8(field(line, 2)?).ok()?.parse().ok();
    lines(file).filter_map(id).collect()
}

fn append(file: &mut Option<Vec<u8>>, line: &str) {
    let bytes = file.get_or_insert_default();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
}

impl Files {
    /// Whether an account or a group has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        names(self.passwd.as_ref(), name) || names(self.group.as_ref(), name)
    }

    /// The ID of a group.
    pub(super) fn group_id(&self, name: &str) -> Option<u32> {
        let line =
            lines(self.group.as_ref()).find(|line| field(line, 0) == Some(name.as_bytes()))?;
        std::str::from_utf8(field(line, 2)?).ok()?.parse().ok()
    }

    /// Adds an account and its group, both with the lowest ordinary ID that neither a user nor a group
    /// has; answers that ID. `day` is today in days since 1970.
    pub(super) fn add(
        &mut self,
        name: &str,
        home: &str,
        shell: &str,
        hash: Option<&str>,
        day: u64,
    ) -> Result<u32> {
        let mut taken = ids(self.passwd.as_ref());
        taken.extend(ids(self.group.as_ref()));
        let id = (FIRST_ID..=LAST_ID)
            .find(|id| !taken.contains(id))
            .ok_or_else(|| Error::Conflict {
                message: format!(
                    "all user IDs from {FIRST_ID} to {LAST_ID} are taken in the container"
                ),
            })?;
        append(
            &mut self.passwd,
            &format!("{name}:x:{id}:{id}::{home}:{shell}"),
        );
        append(&mut self.group, &format!("{name}:x:{id}:"));
        append(
            &mut self.shadow,
            &format!("{name}:{}:{day}:0:99999:7:::", hash.unwrap_or("!")),
        );
        if self.gshadow.is_some() {
            append(&mut self.gshadow, &format!("{name}:!::"));
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(passwd: &str, group: &str) -> Files {
        Files {
            passwd: Some(passwd.into()),
            group: Some(group.into()),
            ..Files::default()
        }
    }

    #[test]
    fn adds_behind_what_is_there() {
        let mut files = files(
            "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh",
            "root:x:0:\nstaff:x:1001:\n",
        );
        let id = files
            .add("ann", "/home/ann", "/bin/sh", Some("$6$x"), 20_000)
            .expect("added");
        assert_eq!(id, 1002, "1000 is a user's and 1001 a group's");
        let text = |file: &Option<Vec<u8>>| {
            String::from_utf8(file.clone().unwrap_or_default()).expect("text")
        };
        assert_eq!(
            text(&files.passwd),
            "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh\nann:x:1002:1002::/home/ann:/bin/sh\n"
        );
        assert_eq!(
            text(&files.group),
            "root:x:0:\nstaff:x:1001:\nann:x:1002:\n"
        );
        assert_eq!(text(&files.shadow), "ann:$6$x:20000:0:99999:7:::\n");
        assert_eq!(files.gshadow, None);
        assert!(files.has("ann") && files.has("staff") && !files.has("an"));
        assert_eq!(files.group_id("staff"), Some(1001));
    }

    proptest! {
        #[test]
        fn keeps_every_byte_and_never_gives_an_id_twice(passwd: Vec<u8>, group in "([a-z]{1,3}:x:(100[0-5]|0):\n?){0,5}", count in 1usize..5) {
            let mut files = Files { passwd: Some(passwd.clone()), group: Some(group.clone().into()), ..Files::default() };
            let mut seen: Vec<u32> = ids(files.group.as_ref());
            for number in 0..count {
                let id = files.add(&format!("user{number}"), "/h", "/bin/sh", None, 1).expect("added");
                prop_assert!(!seen.contains(&id));
                seen.push(id);
            }
            let after = files.passwd.expect("there");
            prop_assert!(after.starts_with(&passwd));
            let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count();
            let ended = u8::from(passwd.last().is_some_and(|last| *last != b'\n'));
            prop_assert_eq!(lines(&after), lines(&passwd) + count + usize::from(ended));
        }
    }
}
