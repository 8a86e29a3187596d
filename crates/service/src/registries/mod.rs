//! Registries of images, each by a name, with what one says to be let in. That is encrypted where it is kept, and
//! nobody is told it but the engine, for an image of that registry.

mod keeper;
mod login;
mod operations;

pub use login::PullAs;
pub use operations::{NewRegistry, RegistryChanges};

pub(crate) use keeper::Registries;

use crate::Tenant;
use podlane_engine::RegistryLogin;
use podlane_store::{RegistryRecord, Secret};
use time::OffsetDateTime;

/// What is known of a registry; never its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Its name, which no other of its tenant has.
    pub name: String,
    /// Its host and port.
    pub host: String,
    /// Who one is there; `None` if one has an identity token.
    pub username: Option<String>,
    /// For whom it was made.
    pub tenant: Option<String>,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it was changed last.
    pub changed: OffsetDateTime,
}

impl From<RegistryRecord> for Registry {
    fn from(record: RegistryRecord) -> Self {
        let time = |seconds| {
            let time = OffsetDateTime::from_unix_timestamp(seconds);
            time.unwrap_or(OffsetDateTime::UNIX_EPOCH)
        };
        Self {
            created: time(record.created),
            changed: time(record.changed),
            name: record.name,
            host: record.host,
            username: record.username,
            tenant: record.tenant,
        }
    }
}

/// A login in the parts in which it is kept: who one is, and what proves it.
fn parts(login: RegistryLogin) -> (Option<String>, Secret) {
    match login {
        RegistryLogin::Password { username, password } => {
            (Some(username), password.into_bytes().into())
        }
        RegistryLogin::IdentityToken(token) => (None, token.into_bytes().into()),
    }
}

/// A login of its parts; `None` if these were never one.
fn whole(username: Option<String>, secret: &Secret) -> Option<RegistryLogin> {
    let secret = String::from_utf8(secret.bytes().to_vec()).ok()?;
    Some(match username {
        Some(username) => RegistryLogin::Password {
            username,
            password: secret,
        },
        None => RegistryLogin::IdentityToken(secret),
    })
}

/// A tenant as it is kept.
fn owner(tenant: Option<&Tenant>) -> Option<&str> {
    tenant.map(Tenant::as_str)
}
