//! What is said of accounts.

use super::secret::{Password, PasswordHash, SshKey};
use podlane_engine::{InnerPath, UserName};

/// What lets an account log in with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// This password.
    Password(Password),
    /// The password whose hash this is.
    Hash(PasswordHash),
}

/// What an account may do with sudo: everything, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sudo {
    /// Nothing that we have allowed.
    None,
    /// Everything, with its password.
    Password,
    /// Everything, without a password.
    NoPassword,
}

impl Sudo {
    /// The rule in the form of sudoers(5).
    pub(super) fn rule(self, name: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Password => Some(format!("{name} ALL=(ALL:ALL) ALL\n")),
            Self::NoPassword => Some(format!("{name} ALL=(ALL:ALL) NOPASSWD: ALL\n")),
        }
    }

    /// Reads a rule of ours.
    pub(super) fn read(name: &str, content: &[u8]) -> Self {
        let rules = [Self::Password, Self::NoPassword];
        let is_it = |sudo: &Self| {
            sudo.rule(name)
                .is_some_and(|rule| rule.as_bytes() == content)
        };
        rules.into_iter().find(is_it).unwrap_or(Self::None)
    }
}

/// The day from which an account can't be used, in days since 1970; `None` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(pub Option<u32>);

impl Expiry {
    /// Reads a date, `2030-01-31`, or nothing for never. `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(None));
        }
        let format = time::macros::format_description!("[year]-[month]-[day]");
        let date = time::Date::parse(text, format).ok()?;
        let days = (date - time::macros::date!(1970 - 01 - 01)).whole_days();
        // Day 0 means never to some, and long ago to others.
        let days = u32::try_from(days).ok().filter(|days| *days > 0)?;
        Some(Self(Some(days)))
    }

    /// The field of shadow(5).
    pub(super) fn field(self) -> String {
        self.0.map(|days| days.to_string()).unwrap_or_default()
    }

    /// The date, if there is one.
    pub fn date(self) -> Option<String> {
        let days = time::Duration::days(self.0?.into());
        let date = time::macros::date!(1970 - 01 - 01).checked_add(days)?;
        Some(date.to_string())
    }
}

/// What an account's comment may be: it stands in one field of passwd(5).
pub(super) fn is_comment(text: &str) -> bool {
    text.len() <= 1024 && !text.contains(':') && !text.chars().any(char::is_control)
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: UserName,
    /// Without it nobody can log in with a password.
    pub secret: Option<Secret>,
    /// Whether its password is locked.
    pub locked: bool,
    /// Its number; `None` for the next one that login.defs allows.
    pub uid: Option<u32>,
    /// Its main group's number; the group is made if there is none.
    pub gid: Option<u32>,
    /// Its main group, which must be there. Without this and `gid` it has a group of its own.
    pub group: Option<String>,
    /// The other groups that it is in, which must be there.
    pub groups: Vec<String>,
    /// Its full name or the like.
    pub comment: String,
    /// When it can't be used any more.
    pub expires: Expiry,
    /// Its login shell; `None` for `/bin/bash`, or `/bin/sh` where that is missing.
    pub shell: Option<InnerPath>,
    /// Its home directory; `None` for one in /home.
    pub home: Option<InnerPath>,
    /// Whether that is made, if it is not there.
    pub create_home: bool,
    /// The keys that may log in.
    pub keys: Vec<SshKey>,
    /// What it may do with sudo.
    pub sudo: Sudo,
    /// Whether its number is one of those for services.
    pub system: bool,
}

impl NewUser {
    /// An account with a name, and everything else as it is if nothing is said.
    pub fn named(name: UserName) -> Self {
        Self {
            name,
            secret: None,
            locked: false,
            uid: None,
            gid: None,
            group: None,
            groups: Vec::new(),
            comment: String::new(),
            expires: Expiry(None),
            shell: None,
            home: None,
            create_home: true,
            keys: Vec::new(),
            sudo: Sudo::None,
            system: false,
        }
    }
}

/// What is changed of an account. `None` leaves something as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    /// Another password. It is not locked then, unless `locked` says so.
    pub secret: Option<Secret>,
    /// Whether its password is locked.
    pub locked: Option<bool>,
    /// The groups that it is in beside its main one, all of them.
    pub groups: Option<Vec<String>>,
    /// Its full name or the like.
    pub comment: Option<String>,
    /// When it can't be used any more.
    pub expires: Option<Expiry>,
    /// Its login shell.
    pub shell: Option<InnerPath>,
    /// The keys that may log in, all of them.
    pub keys: Option<Vec<SshKey>>,
    /// What it may do with sudo.
    pub sudo: Option<Sudo>,
}

/// An account that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedUser {
    /// Its name.
    pub name: UserName,
    /// Its number.
    pub uid: u32,
    /// Its main group's number.
    pub gid: u32,
    /// Its home directory.
    pub home: String,
    /// Its login shell.
    pub shell: String,
}

/// An account that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its main group's number.
    pub gid: u32,
    /// The other groups that it is in.
    pub groups: Vec<String>,
    /// Its full name or the like.
    pub comment: String,
    /// Its home directory.
    pub home: String,
    /// Its login shell.
    pub shell: String,
    /// Whether it has a password, locked or not.
    pub has_password: bool,
    /// Whether that is locked.
    pub locked: bool,
    /// When it can't be used any more.
    pub expires: Expiry,
    /// What it may do with sudo by a rule of ours.
    pub sudo: Sudo,
}

/// An account that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedUser {
    /// Its name.
    pub name: String,
    /// Why its home directory is still there although it was to be removed.
    pub home_left: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_of_two() {
        for sudo in [Sudo::Password, Sudo::NoPassword] {
            let rule = sudo.rule("ann").expect("a rule");
            assert_eq!(Sudo::read("ann", rule.as_bytes()), sudo);
            assert_eq!(Sudo::read("bob", rule.as_bytes()), Sudo::None);
        }
    }

    #[test]
    fn an_expiry_is_a_date_or_nothing() {
        let expiry = Expiry::parse("2030-01-31").expect("a date");
        assert_eq!(
            (expiry.field().as_str(), expiry.date().as_deref()),
            ("21945", Some("2030-01-31"))
        );
        assert_eq!(Expiry::parse(""), Some(Expiry(None)));
        for bad in [
            "2030-02-30",
            "31.01.2030",
            "1969-12-31",
            "1970-01-01",
            "never",
            "2030-01-31 ",
        ] {
            assert_eq!(Expiry::parse(bad), None, "{bad}");
        }
    }
}
