//! User accounts in a container, read and edited as the account files have them, so alike in every image.
//!
//! A password is hashed here, before any lock is taken. Its hash goes into a file, never into an argument
//! vector, and no program of the image takes part.

mod account;
mod accounts;
mod by_archive;
mod defs;
#[cfg(feature = "fuzzing")]
mod fuzzing;
mod ids;
mod modify;
mod operations;
mod owners;
mod secret;
mod site;
#[cfg(test)]
mod tests;
mod text;

pub use account::{AddedUser, Expiry, NewUser, RemovedUser, Secret, Sudo, User, UserChanges};
#[cfg(feature = "fuzzing")]
pub use fuzzing::accounts as fuzz_accounts;
pub use secret::{Password, PasswordHash, SshKey};

use crate::{Call, Error, Result, Service};
use podlane_engine::{ContainerId, Error as EngineError, InnerPath};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

/// The shell of an account for which none was asked for, if the image has it.
const DEFAULT_SHELL: &str = "/bin/bash";
/// The shell that takes its place.
const LAST_SHELL: &str = "/bin/sh";
/// Shells that one call may name.
const MAX_SHELLS: usize = 64;
/// The longest path of a shell or a home directory, in bytes.
const MAX_PATH: usize = 1024;

impl Service {
    /// Does what changes accounts, one at a time in a container, to its end.
    async fn change_users<T: Send + 'static>(
        &self,
        call: &Call,
        id: ContainerId,
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let worker = self.0.gate.enter(call).await?;
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let _worker = worker;
            let lock = service.accounts_lock(&id);
            let changed = match tokio::time::timeout_at(call.deadline, lock.lock()).await {
                Ok(_held) => change.await,
                Err(_elapsed) => Err(late(&call, "waiting for another account of the container")),
            };
            service.release_accounts_lock(&id, lock);
            changed
        })
        .await
    }

    /// The hash of a new password; as many at once as there are processors.
    async fn hash(&self, call: &Call, password: &Password, yescrypt: bool) -> Result<PasswordHash> {
        let hashing = async {
            let _place = self.0.hashing.acquire().await;
            let password = password.clone();
            tokio::task::spawn_blocking(move || password.hash(yescrypt)).await
        };
        match tokio::time::timeout_at(call.deadline, hashing).await {
            Ok(Ok(hash)) => hash,
            Ok(Err(error)) => Err(Error::Internal {
                step: "hashing a password",
                reason: error.to_string(),
            }),
            Err(_elapsed) => Err(late(call, "hashing passwords")),
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

/// What may stand in a field of passwd(5) as a path.
fn is_field(path: &InnerPath) -> bool {
    let path = path.as_str();
    path.len() <= MAX_PATH && !path.contains(':') && !path.chars().any(char::is_control)
}

/// Today in days since 1970, as shadow(5) counts.
fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs() / 86_400)
}

fn late(call: &Call, step: &str) -> Error {
    let (step, limit) = (step.to_owned(), call.limit);
    EngineError::Timeout { step, limit }.into()
}
