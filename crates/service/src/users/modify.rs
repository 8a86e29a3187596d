//! Changes of accounts that there are, in the files.

use super::account::{User, UserChanges};
use super::accounts::{Accounts, Wrong, has_group, number};
use podlane_engine::inside::{AccountFile, AccountHome};
use std::collections::HashSet;

impl Accounts {
    /// Changes an account. `hash` is the new password's, `day` today in days since 1970.
    pub(super) fn modify(
        &mut self,
        user: &User,
        changes: &UserChanges,
        hash: Option<&str>,
        day: u64,
    ) -> Result<(), Wrong> {
        let name = user.name.as_bytes();
        if let Some(groups) = &changes.groups {
            let known = self.names(AccountFile::Group);
            for group in groups {
                has_group(group, &known)?;
            }
            let wanted: HashSet<&[u8]> = groups.iter().map(String::as_bytes).collect();
            self.set_groups(name, &wanted);
        }
        let passwd = self.edit(AccountFile::Passwd);
        if let Some(comment) = &changes.comment {
            passwd.set(name, 4, comment.as_bytes());
        }
        if let Some(shell) = &changes.shell {
            passwd.set(name, 6, shell.as_str().as_bytes());
        }
        if let Some(hash) = hash {
            self.set_secret(name, hash, Some(day));
        }
        if let Some(locked) = changes.locked {
            self.set_locked(user, locked)?;
        }
        if let Some(expires) = changes.expires {
            self.need_shadow(name);
            let shadow = self.edit(AccountFile::Shadow);
            shadow.set(name, 7, expires.field().as_bytes());
        }
        Ok(())
    }

    /// What stands for the password, in shadow(5) if there is an entry, else in passwd(5).
    fn secret(&self, name: &[u8]) -> Vec<u8> {
        let field = |file| {
            let entry = self.file(file)?.entry(name)?;
            entry.get(1).map(|secret| secret.to_vec())
        };
        field(AccountFile::Shadow)
            .or_else(|| field(AccountFile::Passwd))
            .unwrap_or_default()
    }

    /// Makes an entry in shadow(5) if there is none, with what stands in passwd(5).
    fn need_shadow(&mut self, name: &[u8]) {
        let there = self.file(AccountFile::Shadow);
        if there.is_some_and(|shadow| shadow.entry(name).is_some()) {
            return;
        }
        let secret = self.secret(name);
        let secret = if secret == b"x" {
            b"!".to_vec()
        } else {
            secret
        };
        let (name, secret) = (
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(&secret),
        );
        let line = format!("{name}:{secret}::{}:::", self.defs.ages());
        self.edit(AccountFile::Shadow).add(vec![line]);
        let name = name.into_owned();
        self.edit(AccountFile::Passwd).set(name.as_bytes(), 1, b"x");
    }

    fn set_secret(&mut self, name: &[u8], secret: &str, day: Option<u64>) {
        self.need_shadow(name);
        let shadow = self.edit(AccountFile::Shadow);
        shadow.set(name, 1, secret.as_bytes());
        if let Some(day) = day {
            shadow.set(name, 2, day.to_string().as_bytes());
        }
    }

    fn set_locked(&mut self, user: &User, locked: bool) -> Result<(), Wrong> {
        let name = user.name.as_bytes();
        let secret = self.secret(name);
        let secret = String::from_utf8_lossy(&secret).into_owned();
        let bare = secret.trim_start_matches('!');
        if locked {
            if !secret.starts_with('!') {
                self.set_secret(name, &format!("!{secret}"), None);
            }
            return Ok(());
        }
        if secret.starts_with(['!', '*']) {
            if matches!(bare, "" | "x") || bare.starts_with('*') {
                let message = format!(
                    "\"{}\" has no password to be unlocked; give it one",
                    user.name
                );
                return Err(Wrong::conflict("locked", message));
            }
            self.set_secret(name, bare, None);
        }
        Ok(())
    }

    fn set_groups(&mut self, name: &[u8], wanted: &HashSet<&[u8]>) {
        for file in [AccountFile::Group, AccountFile::Gshadow] {
            if let Some(lines) = self.edit_existing(file) {
                lines.edit_lists(3, |group, members| {
                    let is_in = members.iter().any(|member| member == name);
                    if !wanted.contains(group) {
                        members.retain(|member| member != name);
                    } else if !is_in {
                        members.push(name.to_vec());
                    }
                });
            }
        }
    }

    /// Removes an account, and the group of its own that nobody else is in.
    pub(super) fn remove(&mut self, user: &User) -> Result<(), Wrong> {
        let name = user.name.as_bytes();
        if user.uid == 0 {
            let message = format!("\"{}\" is the container's root and stays", user.name);
            return Err(Wrong::conflict("username", message));
        }
        let alone = !self
            .entries(AccountFile::Passwd)
            .any(|entry| entry[0] != name && number(entry.get(3)) == Some(user.gid));
        let group = self.file(AccountFile::Group);
        let own = group
            .and_then(|group| group.entry(name))
            .is_some_and(|entry| {
                let members = entry.get(3).copied().unwrap_or_default();
                let others = members
                    .split(|byte| *byte == b',')
                    .any(|member| !member.is_empty() && member != name);
                number(entry.get(2)) == Some(user.gid) && !others
            });
        for file in [
            AccountFile::Passwd,
            AccountFile::Shadow,
            AccountFile::Subuid,
            AccountFile::Subgid,
        ] {
            if let Some(lines) = self.edit_existing(file) {
                lines.remove(name);
            }
        }
        for file in [AccountFile::Group, AccountFile::Gshadow] {
            if let Some(lines) = self.edit_existing(file) {
                if alone && own {
                    lines.remove(name);
                }
                let leave = |_: &[u8], names: &mut Vec<Vec<u8>>| names.retain(|one| one != name);
                lines.edit_lists(3, leave);
                if file == AccountFile::Gshadow {
                    // Its administrators.
                    lines.edit_lists(2, leave);
                }
            }
        }
        Ok(())
    }

    /// The home directory of an account that may be removed with it; else why not.
    pub(super) fn removable_home(&self, user: &User) -> Result<AccountHome, String> {
        let path = user.home.trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let plain = user.home.starts_with('/')
            && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        if !plain || parts.len() < 2 {
            return Err(format!(
                "\"{}\" is not below another directory, so it is not taken for a home directory",
                user.home
            ));
        }
        let below = |one: &str, other: &str| {
            one.strip_prefix(other)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let others = self.list().into_iter();
        let mut others = others.filter(|other| other.name != user.name);
        if let Some(other) = others.find(|other| below(other.home.trim_end_matches('/'), path)) {
            return Err(format!(
                "{path} is or holds the home directory of \"{}\" too",
                other.name
            ));
        }
        Ok(self.home(path, user.uid, user.gid))
    }
}
