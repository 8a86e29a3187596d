//! User accounts in a container: made by the image's own tool where it has one and runs, because that
//! takes the lock which others inside take too; else by editing the account files from outside.
//!
//! A password is hashed here. Its hash goes to a tool's standard input or into a file, never into an
//! argument vector, and no shell takes part.

mod accounts;
mod edit;
mod tools;

use crate::{Error, Result, Service};
use podlane_engine::{
    Call, Container, ContainerId, ContainerRef, Error as EngineError, FileKind, InnerPath, Status,
    UserName,
};
use sha_crypt::{PasswordHasher, ShaCrypt};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The shell of an account for which none was asked for, if the image has it.
const DEFAULT_SHELL: &str = "/bin/bash";
/// The shell that takes its place.
const LAST_SHELL: &str = "/bin/sh";

/// A password. It is shown nowhere.
#[derive(Clone)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Password {
    /// The longest password, in bytes.
    pub const MAX: usize = 1024;

    /// Checks a password: 1 to 1024 bytes, no line break and no NUL. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&text.len()) && !text.contains(['\n', '\r', '\0']);
        fits.then(|| Self(text.to_owned()))
    }

    /// The sha512-crypt hash with a fresh salt, as /etc/shadow holds it. Takes some milliseconds.
    fn hash(&self) -> Result<String> {
        let failed = |reason: String| Error::Internal {
            step: "hashing a password",
            reason,
        };
        let mut salt = [0; 12];
        getrandom::fill(&mut salt).map_err(|error| failed(error.to_string()))?;
        ShaCrypt::SHA512
            .hash_password_with_salt(self.0.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|error| failed(error.to_string()))
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
    pub shell: Option<InnerPath>,
}

/// An account that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedUser {
    /// Its name.
    pub name: UserName,
    /// Its home directory.
    pub home: String,
    /// Its login shell.
    pub shell: String,
}

/// An account with everything settled.
#[derive(Debug)]
struct Account {
    name: UserName,
    home: String,
    shell: String,
    /// For /etc/shadow; `None` for no password.
    hash: Option<String>,
}

impl Service {
    /// Makes an account with a home directory and a group of its own.
    pub async fn add_user(
        &self,
        call: &Call,
        name: &ContainerRef,
        user: NewUser,
    ) -> Result<AddedUser> {
        let worker = self.0.gate.enter(call).await?;
        let container = self.0.engine.inspect(call, name).await?;
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let _worker = worker;
            let lock = service.accounts_lock(&container.id);
            let added = match tokio::time::timeout_at(call.deadline, lock.lock()).await {
                Ok(_held) => service.make_account(&call, &container, user).await,
                Err(_elapsed) => Err(late(&call, "waiting for another account of the container")),
            };
            service.release_accounts_lock(&container.id, lock);
            added
        })
        .await
    }

    async fn make_account(
        &self,
        call: &Call,
        container: &Container,
        user: NewUser,
    ) -> Result<AddedUser> {
        self.check_account_files(call, &container.id).await?;
        let shell = self.settle_shell(call, &container.id, user.shell).await?;
        let hash = match user.password {
            None => None,
            Some(password) => {
                let hashing = tokio::task::spawn_blocking(move || password.hash());
                let hash = hashing.await.map_err(|error| Error::Internal {
                    step: "hashing a password",
                    reason: error.to_string(),
                })?;
                Some(hash?)
            }
        };
        let home = format!("/home/{}", user.name);
        let account = Account {
            name: user.name,
            home,
            shell,
            hash,
        };
        let by_tool = container.status == Status::Running
            && (self.by_useradd(call, &container.id, &account).await?
                || self.by_adduser(call, &container.id, &account).await?);
        if !by_tool {
            self.by_editing(call, &container.id, &account).await?;
        }
        Ok(AddedUser {
            name: account.name,
            home: account.home,
            shell: account.shell,
        })
    }

    /// The shell asked for, which must be in the image; or the best that is.
    async fn settle_shell(
        &self,
        call: &Call,
        id: &ContainerId,
        wanted: Option<InnerPath>,
    ) -> Result<String> {
        if let Some(shell) = wanted {
            if self.is_file(call, id, &shell).await? {
                return Ok(shell.to_string());
            }
            let message =
                format!("the image has no shell {shell}; use one that it has, like {LAST_SHELL}");
            return Err(Error::invalid("shell", message));
        }
        let default = InnerPath::parse(DEFAULT_SHELL).map_err(Error::name_in("shell"))?;
        let found = self.is_file(call, id, &default).await?;
        Ok(if found { DEFAULT_SHELL } else { LAST_SHELL }.to_owned())
    }

    async fn is_file(&self, call: &Call, id: &ContainerId, path: &InnerPath) -> Result<bool> {
        let Some(stat) = self.0.engine.stat(call, id, path).await? else {
            return Ok(false);
        };
        match (stat.kind, stat.target) {
            (FileKind::Regular, _) => Ok(true),
            (FileKind::Symlink, Some(target)) => {
                let stat = self.0.engine.stat(call, id, &target).await?;
                Ok(stat.is_some_and(|stat| stat.kind == FileKind::Regular))
            }
            _ => Ok(false),
        }
    }

    fn accounts_lock(&self, id: &ContainerId) -> Arc<Mutex<()>> {
        let mut locks = self
            .0
            .accounts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(locks.entry(id.to_string()).or_default())
    }

    /// Forgets the lock if nobody else waits for it.
    fn release_accounts_lock(&self, id: &ContainerId, lock: Arc<Mutex<()>>) {
        let mut locks = self
            .0
            .accounts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(lock);
        if locks
            .get(id.as_str())
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            locks.remove(id.as_str());
        }
    }
}

fn taken(name: &UserName) -> Error {
    Error::Conflict {
        message: format!("a user or group \"{name}\" already exists in the container"),
    }
}

fn late(call: &Call, step: &str) -> Error {
    let (step, limit) = (step.to_owned(), call.limit);
    EngineError::Timeout { step, limit }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hashed_as_crypt_does() {
        // `openssl passwd -6 -salt ...` of the same password verifies alike; the format is crypt(5)'s.
        let password = Password::parse("it's $1 \"a:b\"").expect("a password");
        let (one, two) = (
            password.hash().expect("hash"),
            password.hash().expect("hash"),
        );
        assert!(one.starts_with("$6$") && !one.contains([':', '\n']));
        assert_ne!(one, two, "each has its own salt");
        assert_eq!(format!("{password:?}"), "(secret)");
    }

    #[test]
    fn passwords_that_files_or_tools_would_misread_are_refused() {
        for bad in ["", "a\nb", "a\r", "a\0", &"x".repeat(1025)] {
            assert!(Password::parse(bad).is_none(), "{bad:?}");
        }
    }
}
