//! User accounts in a container.

use podlane_engine::UserName;

/// A password. It is shown nowhere.
#[derive(Clone)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: UserName,
    /// Its password; without one nobody can log in with a password.
    pub password: Option<Password>,
    /// Its login shell; `None` for `/bin/bash`, or `/bin/sh` where that is missing.
    pub shell: Option<podlane_engine::InnerPath>,
}

/// An account that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedUser {
    /// Its name.
    pub name: UserName,
    /// Its numeric ID.
    pub uid: u32,
    /// Its group's numeric ID.
    pub gid: u32,
    /// Its home directory.
    pub home: String,
    /// Its login shell.
    pub shell: String,
}

impl crate::Service {
    /// Makes an account.
    pub async fn add_user(
        &self,
        _call: &podlane_engine::Call,
        _name: &podlane_engine::ContainerRef,
        _user: NewUser,
    ) -> crate::Result<AddedUser> {
        Err(crate::Error::Stopping)
    }
}
impl Password {
    /// Checks a password: 1 to 1024 bytes, no line break and no NUL.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=1024).contains(&text.len()) && !text.contains(['\n', '\r', '\0']);
        fits.then(|| Self(text.to_owned()))
    }
}
