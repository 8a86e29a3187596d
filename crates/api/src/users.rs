//! User accounts in a container.

use crate::{Hidden, True};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A user account to make, or many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AddUsers {
    /// One.
    One(Box<AddUser>),
    /// Many: all of them are made, or none.
    Many {
        /// The accounts, at most 1000.
        #[schema(min_items = 1, max_items = 1000)]
        users: Vec<AddUser>,
    },
}

/// A user account to make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "newuser", "password": "password123", "shell": "/bin/bash"}))]
pub struct AddUser {
    /// Its name: 1 to 32 lower-case letters, digits, `_` and `-`.
    pub username: String,
    /// Its password; without one, and without a hash, nobody can log in with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Hidden>,
    /// Its password's hash, as crypt(5) writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password_hash: Option<Hidden>,
    /// Whether its password is locked. Default: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Its login shell; if left out `/bin/bash`, or `/bin/sh` where that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Its home directory; if left out `/home/<username>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Whether the home directory is made if it is not there. Default: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_home: Option<bool>,
    /// Its number; if left out the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The number of its main group, which is made if there is none. Not beside `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Its main group, which must be there. Without this and `gid` it gets one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The other groups that it is in, which must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Its full name or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The day from which it can't be used, like `2030-01-31`; empty for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The public keys that may log in, without options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub ssh_keys: Option<Vec<Hidden>>,
    /// What it may do with sudo. Default: `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo: Option<Sudo>,
    /// Whether its number is one of those for services. Default: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<bool>,
}

/// What an account may do with sudo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sudo {
    /// Nothing that Podlane has allowed.
    None,
    /// Everything, with its password.
    Password,
    /// Everything, without a password.
    NoPasswd,
}

/// What is changed of a user account. What is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"locked": true}))]
pub struct ModifyUser {
    /// Another password. It is not locked then, unless `locked` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Hidden>,
    /// Another password's hash, as crypt(5) writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password_hash: Option<Hidden>,
    /// Whether its password is locked. Keys still let it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Its login shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// The groups that it is in beside its main one, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Its full name or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The day from which it can't be used, like `2030-01-31`; empty for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The public keys that may log in, all of them, without options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub ssh_keys: Option<Vec<Hidden>>,
    /// What it may do with sudo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo: Option<Sudo>,
}

/// The answer to added users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AddedUsers {
    /// To one.
    One(AddedUser),
    /// To many.
    Many {
        /// Always true.
        success: True,
        /// The accounts, in the order of the request.
        users: Vec<AddedAccount>,
    },
}

/// The answer to an added user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedUser {
    /// Always true.
    pub success: True,
    /// The account.
    pub user: User,
}

/// A user account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its name.
    #[schema(example = "newuser")]
    pub username: String,
    /// Always true.
    pub created: True,
    /// Its home directory.
    #[schema(example = "/home/newuser")]
    pub home: String,
    /// Its login shell.
    #[schema(example = "/bin/bash")]
    pub shell: String,
}

/// One of many accounts that were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedAccount {
    /// Its name.
    #[schema(example = "newuser")]
    pub username: String,
    /// Always true.
    pub created: True,
    /// Its number.
    #[schema(example = 1000)]
    pub uid: u32,
    /// Its main group's number.
    #[schema(example = 1000)]
    pub gid: u32,
    /// Its home directory.
    #[schema(example = "/home/newuser")]
    pub home: String,
    /// Its login shell.
    #[schema(example = "/bin/bash")]
    pub shell: String,
}

/// An account as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its name.
    #[schema(example = "newuser")]
    pub username: String,
    /// Its number.
    #[schema(example = 1000)]
    pub uid: u32,
    /// Its main group's number.
    #[schema(example = 1000)]
    pub gid: u32,
    /// The other groups that it is in.
    pub groups: Vec<String>,
    /// Its full name or the like.
    pub comment: String,
    /// Its home directory.
    #[schema(example = "/home/newuser")]
    pub home: String,
    /// Its login shell.
    #[schema(example = "/bin/bash")]
    pub shell: String,
    /// Whether it has a password, locked or not.
    pub has_password: bool,
    /// Whether nobody can log in with a password because that is locked, or was never set.
    pub locked: bool,
    /// The day from which it can't be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2030-01-31")]
    pub expires: Option<String>,
    /// What it may do with sudo by a rule of Podlane's.
    pub sudo: Sudo,
}

/// A container's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// Always true.
    pub success: True,
    /// The accounts, in the order of /etc/passwd.
    pub users: Vec<Account>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserDetails {
    /// Always true.
    pub success: True,
    /// The account.
    pub user: Account,
}

/// The answer to a removed user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedUser {
    /// Always true.
    pub success: True,
    /// The account.
    pub user: RemovedAccount,
}

/// An account that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedAccount {
    /// Its name.
    #[schema(example = "newuser")]
    pub username: String,
    /// Always true.
    pub removed: True,
    /// Why its home directory is still there although it was to be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub home_left: Option<String>,
}

impl<'de> Deserialize<'de> for AddUsers {
    /// By the first field, so that mistakes are told as those of the one form or the other.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ByFirstField)
    }
}

struct ByFirstField;

impl<'de> Visitor<'de> for ByFirstField {
    type Value = AddUsers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AddUsers, A::Error> {
        let first = map.next_key::<String>()?;
        if first.as_deref() == Some("users") {
            let users = map.next_value()?;
            return match map.next_key::<String>()? {
                None => Ok(AddUsers::Many { users }),
                Some(more) if more == "users" => Err(A::Error::duplicate_field("users")),
                Some(more) => Err(A::Error::unknown_field(&more, &["users"])),
            };
        }
        let whole = Pushed { first, map };
        let one = AddUser::deserialize(MapAccessDeserializer::new(whole))?;
        Ok(AddUsers::One(Box::new(one)))
    }
}

/// A map whose first key has been read.
struct Pushed<A> {
    first: Option<String>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Pushed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => seed
                .deserialize(serde::de::value::StringDeserializer::new(first))
                .map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
