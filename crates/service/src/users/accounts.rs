//! The accounts of a container as its files have them. Pure: what was read is edited, and what is to be
//! written comes out. Nothing is changed that nobody asked to change.

use super::account::{Expiry, NewUser, Sudo, User};
use super::defs::LoginDefs;
use super::ids::Ids;
use super::text::Lines;
use bytes::Bytes;
use podlane_engine::inside::{AccountFile, AccountHome, AccountStep};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What was read of a container.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    before: BTreeMap<AccountFile, Bytes>,
    files: BTreeMap<AccountFile, Lines>,
    pub(super) defs: LoginDefs,
    rules: HashMap<String, Sudo>,
}

/// A step of a change, with the content of a file.
pub(super) type Step = (AccountStep, Vec<u8>);

/// What can't be done about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) message: String,
    /// Whether it is what is there that stands against it.
    pub(super) conflict: bool,
}

impl Wrong {
    pub(super) fn conflict(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
            conflict: true,
        }
    }

    pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            conflict: false,
            ..Self::conflict(field, message)
        }
    }
}

/// A new account with everything settled that is not the files' matter.
pub(super) struct Row<'a> {
    pub(super) user: &'a NewUser,
    pub(super) shell: &'a str,
    pub(super) hash: Option<&'a str>,
    /// Today in days since 1970.
    pub(super) day: u64,
}

/// Where a new account was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
}

pub(super) fn number(field: Option<&&[u8]>) -> Option<u32> {
    parse(field?)
}

pub(super) fn parse(number: &[u8]) -> Option<u32> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

impl Accounts {
    pub(super) fn new(before: BTreeMap<AccountFile, Bytes>, rules: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let defs = before.get(&AccountFile::LoginDefs);
        let rule = |(name, content): &(Vec<u8>, Vec<u8>)| {
            let name = text(name);
            let sudo = Sudo::read(&name, content);
            (name, sudo)
        };
        Self {
            defs: defs.map(|defs| LoginDefs::parse(defs)).unwrap_or_default(),
            files: before
                .iter()
                .map(|(file, content)| (*file, Lines::parse(content)))
                .collect(),
            rules: rules.iter().map(rule).collect(),
            before,
        }
    }

    pub(super) fn file(&self, file: AccountFile) -> Option<&Lines> {
        self.files.get(&file)
    }

    /// A file to edit, made if it is not there.
    pub(super) fn edit(&mut self, file: AccountFile) -> &mut Lines {
        self.files.entry(file).or_default()
    }

    /// A file to edit, if it is there.
    pub(super) fn edit_existing(&mut self, file: AccountFile) -> Option<&mut Lines> {
        self.files.get_mut(&file)
    }

    /// The fields of the entries of a file.
    pub(super) fn entries(&self, file: AccountFile) -> impl Iterator<Item = Vec<&[u8]>> {
        self.files.get(&file).into_iter().flat_map(Lines::entries)
    }

    /// One field of the entries of a file that have it.
    pub(super) fn column(&self, file: AccountFile, number: usize) -> impl Iterator<Item = &[u8]> {
        let lines = self.files.get(&file).into_iter();
        lines.flat_map(move |lines| lines.column(number))
    }

    pub(super) fn names(&self, file: AccountFile) -> HashSet<&[u8]> {
        self.column(file, 0).collect()
    }

    /// The number of a group.
    pub(super) fn group_id(&self, name: &str) -> Option<u32> {
        let entry = self.file(AccountFile::Group)?.entry(name.as_bytes())?;
        number(entry.get(2))
    }

    /// The files that are different now, as steps.
    pub(super) fn steps(&self) -> Vec<Step> {
        let written = self
            .files
            .iter()
            .map(|(file, lines)| (*file, lines.bytes()));
        written
            .filter(|(file, bytes)| self.before.get(file).is_none_or(|before| before != bytes))
            .map(|(file, bytes)| (AccountStep::File(file), bytes))
            .collect()
    }

    /// Adds accounts, all or none; what is wrong, by the row.
    pub(super) fn add(&mut self, rows: &[Row]) -> Result<Vec<Placed>, Vec<(usize, Wrong)>> {
        let mut ids = Ids::new(self, rows);
        let mut users = self.names(AccountFile::Passwd);
        let mut groups = self.names(AccountFile::Group);
        let mut new = New::default();
        let (mut placed, mut wrong) = (Vec::new(), Vec::new());
        for (number, row) in rows.iter().enumerate() {
            match self.place(row, &mut ids, (&mut users, &mut groups), &mut new) {
                Ok(place) => placed.push(place),
                Err(why) => wrong.push((number, why)),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        // What an account of that name has left would be found before the new entry.
        for file in [AccountFile::Shadow, AccountFile::Gshadow] {
            let there = self.names(file);
            let names = rows.iter().map(|row| row.user.name.as_str().as_bytes());
            let left: Vec<&[u8]> = names.filter(|name| there.contains(name)).collect();
            for name in left {
                self.edit(file).remove(name);
            }
        }
        self.edit(AccountFile::Passwd).add(new.passwd);
        self.edit(AccountFile::Group).add(new.group);
        self.edit(AccountFile::Shadow).add(new.shadow);
        for (file, lines) in [
            (AccountFile::Gshadow, new.gshadow),
            (AccountFile::Subuid, new.subuid),
            (AccountFile::Subgid, new.subgid),
        ] {
            if let Some(there) = self.edit_existing(file) {
                there.add(lines);
            }
        }
        self.join(&new.members);
        Ok(placed)
    }

    fn place<'a>(
        &self,
        row: &Row<'a>,
        ids: &mut Ids,
        (users, groups): (&mut HashSet<&'a [u8]>, &mut HashSet<&'a [u8]>),
        new: &mut New,
    ) -> Result<Placed, Wrong> {
        let (user, name) = (row.user, row.user.name.as_str());
        let taken = || {
            let message = format!("a user or group \"{name}\" already exists in the container");
            Wrong::conflict("username", message)
        };
        if users.contains(name.as_bytes()) {
            return Err(taken());
        }
        for group in &user.groups {
            has_group(group, groups)?;
        }
        let uid = ids.user(user, self)?;
        let (gid, own) = ids.group(user, uid, self)?;
        if own && !groups.insert(name.as_bytes()) {
            return Err(taken());
        }
        users.insert(name.as_bytes());
        let home = match &user.home {
            Some(home) => home.to_string(),
            None => format!("/home/{name}"),
        };
        let (shell, comment) = (row.shell, &user.comment);
        new.passwd
            .push(format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"));
        let lock = if user.locked && row.hash.is_some() {
            "!"
        } else {
            ""
        };
        let (hash, day, ages) = (row.hash.unwrap_or("!"), row.day, self.defs.ages());
        let expiry = user.expires.field();
        new.shadow
            .push(format!("{name}:{lock}{hash}:{day}:{ages}::{expiry}:"));
        if own {
            new.group.push(format!("{name}:x:{gid}:"));
            new.gshadow.push(format!("{name}:!::"));
        }
        if let Some([users, groups]) = ids.subordinates(user, uid, self)? {
            new.subuid.push(format!("{name}:{users}"));
            new.subgid.push(format!("{name}:{groups}"));
        }
        for group in &user.groups {
            let members = new.members.entry(group.clone().into_bytes());
            members.or_default().push(name.as_bytes().to_vec());
        }
        Ok(Placed { uid, gid, home })
    }

    /// Adds names to groups, in group(5) and gshadow(5).
    fn join(&mut self, members: &HashMap<Vec<u8>, Vec<Vec<u8>>>) {
        for file in [AccountFile::Group, AccountFile::Gshadow] {
            if let (Some(lines), false) = (self.edit_existing(file), members.is_empty()) {
                lines.edit_lists(3, |group, list| {
                    let joining = members.get(group).into_iter().flatten();
                    list.extend(joining.cloned());
                });
            }
        }
    }

    /// Every account, in the order of passwd(5).
    pub(super) fn list(&self) -> Vec<User> {
        let mut groups: HashMap<&[u8], Vec<String>> = HashMap::new();
        for entry in self.entries(AccountFile::Group) {
            let members = entry.get(3).into_iter();
            for member in members.flat_map(|list| list.split(|byte| *byte == b',')) {
                groups.entry(member).or_default().push(text(entry[0]));
            }
        }
        let shadows: HashMap<&[u8], Vec<&[u8]>> = self
            .entries(AccountFile::Shadow)
            .map(|entry| (entry[0], entry))
            .collect();
        let user = |entry: Vec<&[u8]>| {
            let [name, password, uid, gid, comment, home, shell] = entry[..] else {
                return None;
            };
            let shadow = shadows.get(name);
            let secret = shadow.and_then(|entry| entry.get(1)).unwrap_or(&password);
            let expiry = shadow.and_then(|entry| number(entry.get(7)));
            let bare = text(secret);
            let bare = bare.trim_start_matches('!');
            Some(User {
                name: text(name),
                uid: number(Some(&uid))?,
                gid: number(Some(&gid))?,
                groups: groups.get(name).cloned().unwrap_or_default(),
                comment: text(comment),
                home: text(home),
                shell: text(shell),
                has_password: !matches!(bare, "" | "*" | "x"),
                locked: secret.starts_with(b"!") || secret.starts_with(b"*"),
                expires: Expiry(expiry),
                sudo: self.rules.get(&text(name)).copied().unwrap_or(Sudo::None),
            })
        };
        self.entries(AccountFile::Passwd).filter_map(user).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<User> {
        self.list().into_iter().find(|user| user.name == name)
    }

    /// The home directory of an account.
    pub(super) fn home(&self, path: &str, uid: u32, gid: u32) -> AccountHome {
        AccountHome {
            path: path.as_bytes().to_vec(),
            uid,
            gid,
            mode: self.defs.home_mode(),
        }
    }
}

/// That a group is there.
pub(super) fn has_group(group: &str, groups: &HashSet<&[u8]>) -> Result<(), Wrong> {
    if groups.contains(group.as_bytes()) {
        return Ok(());
    }
    let shown: String = group
        .chars()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    let message = format!("there is no group \"{shown}\" in the container");
    Err(Wrong::invalid("groups", message))
}

/// Lines to be added.
#[derive(Default)]
struct New {
    passwd: Vec<String>,
    group: Vec<String>,
    shadow: Vec<String>,
    gshadow: Vec<String>,
    subuid: Vec<String>,
    subgid: Vec<String>,
    members: HashMap<Vec<u8>, Vec<Vec<u8>>>,
}
