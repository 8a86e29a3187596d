//! The numbers of new accounts.

use super::account::NewUser;
use super::accounts::{Accounts, Row, Wrong, number, parse};
use podlane_engine::inside::AccountFile;
use std::collections::{HashMap, HashSet};

/// The numbers that are taken, and where the next ones are.
pub(super) struct Ids {
    users: HashSet<u32>,
    groups: HashSet<u32>,
    /// Those that rows name, and those of main groups that are in no file: nobody is given them.
    kept: HashSet<u32>,
    /// The groups of rows' own, by their names.
    own: HashMap<String, u32>,
    /// Behind the highest one in use: of ordinary accounts, and of those for services.
    next: [Option<u32>; 2],
    /// Behind the last range of subordinate users and groups.
    ranges: [u32; 2],
}

impl Ids {
    pub(super) fn new(accounts: &Accounts, rows: &[Row]) -> Self {
        let ids = |file| accounts.column(file, 2).filter_map(parse);
        let end = |file| {
            let ends = accounts
                .entries(file)
                .filter_map(|entry| number(entry.get(1))?.checked_add(number(entry.get(2))?));
            ends.max().unwrap_or_default()
        };
        Self {
            users: ids(AccountFile::Passwd).collect(),
            groups: ids(AccountFile::Group).collect(),
            kept: rows
                .iter()
                .flat_map(|row| [row.user.uid, row.user.gid])
                .flatten()
                .chain(accounts.column(AccountFile::Passwd, 3).filter_map(parse))
                .collect(),
            own: HashMap::new(),
            next: [None; 2],
            ranges: [end(AccountFile::Subuid), end(AccountFile::Subgid)],
        }
    }

    fn is_free(&self, id: u32) -> bool {
        !self.users.contains(&id) && !self.groups.contains(&id) && !self.kept.contains(&id)
    }

    /// The number behind the highest one in use, else the lowest one that is free, as `useradd` chooses.
    fn next(&mut self, user: &NewUser, accounts: &Accounts) -> Result<u32, Wrong> {
        let range = accounts.defs.ids(user.system);
        let next = &mut self.next[usize::from(user.system)];
        let taken = self.users.iter().chain(&self.groups);
        let highest = taken.filter(|id| range.contains(id)).max();
        let first = next.unwrap_or_else(|| highest.map_or(*range.start(), |last| last + 1));
        let mut behind = first..=*range.end();
        let found = behind.find(|id| self.is_free(*id));
        let found = found.or_else(|| range.clone().find(|id| self.is_free(*id)));
        let Some(id) = found else {
            let message = format!(
                "all user IDs from {} to {} are taken in the container",
                range.start(),
                range.end()
            );
            return Err(Wrong::conflict("username", message));
        };
        self.next[usize::from(user.system)] = Some(id + 1);
        Ok(id)
    }

    /// The number of a new account.
    pub(super) fn user(&mut self, user: &NewUser, accounts: &Accounts) -> Result<u32, Wrong> {
        let uid = match user.uid {
            None => self.next(user, accounts)?,
            Some(0 | u32::MAX) => {
                let message = "a uid is from 1 to 4294967294";
                return Err(Wrong::invalid("uid", message));
            }
            Some(uid) if self.users.contains(&uid) => {
                let message = format!("the uid {uid} is taken in the container");
                return Err(Wrong::conflict("uid", message));
            }
            Some(uid) => uid,
        };
        self.users.insert(uid);
        Ok(uid)
    }

    /// The number of its main group, and whether that is a new one of its own.
    pub(super) fn group(
        &mut self,
        user: &NewUser,
        uid: u32,
        accounts: &Accounts,
    ) -> Result<(u32, bool), Wrong> {
        if let Some(group) = &user.group {
            let own = || self.own.get(group).copied();
            let Some(gid) = accounts.group_id(group).or_else(own) else {
                let shown: String = group
                    .chars()
                    .take(60)
                    .flat_map(char::escape_debug)
                    .collect();
                let message = format!("there is no group \"{shown}\" in the container");
                return Err(Wrong::invalid("group", message));
            };
            return Ok((gid, false));
        }
        let gid = match user.gid {
            Some(u32::MAX) => {
                let message = "a gid is from 0 to 4294967294";
                return Err(Wrong::invalid("gid", message));
            }
            Some(gid) if self.groups.contains(&gid) => return Ok((gid, false)),
            Some(gid) => gid,
            None if self.groups.contains(&uid) => self.next(user, accounts)?,
            None => uid,
        };
        self.groups.insert(gid);
        self.own.insert(user.name.to_string(), gid);
        Ok((gid, true))
    }

    /// Ranges of subordinate users and groups, as `first:count`, where there are files for them and the
    /// account is an ordinary one.
    pub(super) fn subordinates(
        &mut self,
        user: &NewUser,
        uid: u32,
        accounts: &Accounts,
    ) -> Result<Option<[String; 2]>, Wrong> {
        let files = [AccountFile::Subuid, AccountFile::Subgid];
        let there = files.iter().all(|file| accounts.file(*file).is_some());
        if !there || user.system || !accounts.defs.ids(false).contains(&uid) {
            return Ok(None);
        }
        let mut ranges = [String::new(), String::new()];
        for (at, kind) in ["UID", "GID"].into_iter().enumerate() {
            let (range, count) = accounts.defs.subordinates(kind);
            if count == 0 {
                return Ok(None);
            }
            let first = self.ranges[at].max(*range.start());
            let end = first.checked_add(count);
            let Some(end) = end.filter(|end| *end - 1 <= *range.end()) else {
                let message = format!("no subordinate IDs up to {} are left", range.end());
                return Err(Wrong::conflict("username", message));
            };
            self.ranges[at] = end;
            ranges[at] = format!("{first}:{count}");
        }
        Ok(Some(ranges))
    }
}
