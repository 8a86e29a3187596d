//! Registries made, listed, changed and removed.

use super::keeper::unkept;
use super::{Registry, owner, parts};
use crate::{Call, Error, Result, Scope, Service, Tenant};
use podlane_engine::{RegistryHost, RegistryLogin, RegistryName};
use podlane_store::{AddedRegistry, RegistryRecord, RegistryRoom};
use time::OffsetDateTime;

/// How many there may be, and of one tenant, so that there is room for others.
const ROOM: RegistryRoom = RegistryRoom {
    own: 100,
    all: 1000,
};

/// A registry to be kept.
#[derive(Debug, Clone)]
pub struct NewRegistry {
    /// Its name.
    pub name: RegistryName,
    /// Its host and port.
    pub host: RegistryHost,
    /// Who asks it.
    pub login: RegistryLogin,
}

/// What is to be changed of a registry.
#[derive(Debug, Clone)]
pub enum RegistryChanges {
    /// Who asks it.
    Login(RegistryLogin),
    /// The password of who asks it.
    Password(String),
}

impl Service {
    /// Keeps a registry for whomever the caller acts for.
    pub async fn create_registry(&self, call: &Call, new: NewRegistry) -> Result<Registry> {
        call.may(Scope::RegistriesWrite)?;
        call.note(|| format!("{} at {}", new.name, new.host));
        let (username, secret) = parts(new.login);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let registry = RegistryRecord {
            tenant: call.tenant().map(Tenant::to_string),
            name: new.name.to_string(),
            host: new.host.to_string(),
            username,
            created: now,
            changed: now,
        };
        self.with_registries(move |registries| {
            let store = registries.open()?;
            let message = match store.add(&registry, &secret, ROOM).map_err(unkept)? {
                AddedRegistry::Added => return Ok(registry.into()),
                AddedRegistry::There => format!("there is a registry {} already", registry.name),
                AddedRegistry::Full => format!(
                    "there are {} registries of one tenant, or {} of all, already: remove one",
                    ROOM.own, ROOM.all
                ),
            };
            Err(Error::Conflict { message })
        })
        .await
    }

    /// The caller's registries, by name; those of all tenants for whoever sees everything.
    pub async fn registries(&self, call: &Call) -> Result<Vec<Registry>> {
        call.may(Scope::RegistriesRead)?;
        let tenant = call.tenant().map(Tenant::to_string);
        self.with_registries(move |registries| {
            let Some(store) = registries.there()? else {
                return Ok(Vec::new());
            };
            let all = store.registries(tenant.as_deref()).map_err(unkept)?;
            Ok(all.into_iter().map(Registry::from).collect())
        })
        .await
    }

    /// One of them. Whoever acts for no tenant finds those of none.
    pub async fn registry(&self, call: &Call, name: &RegistryName) -> Result<Registry> {
        call.may(Scope::RegistriesRead)?;
        let (tenant, name) = (call.tenant().cloned(), name.clone());
        self.with_registries(move |registries| {
            let found = match registries.there()? {
                Some(store) => store.registry(owner(tenant.as_ref()), name.as_str()),
                None => Ok(None),
            };
            let found = found.map_err(unkept)?.ok_or_else(|| missing(&name))?;
            Ok(found.into())
        })
        .await
    }

    /// Changes who asks one. Its host stays: a password is not for another one.
    pub async fn modify_registry(
        &self,
        call: &Call,
        name: &RegistryName,
        changes: RegistryChanges,
    ) -> Result<Registry> {
        call.may(Scope::RegistriesWrite)?;
        let (tenant, name) = (call.tenant().cloned(), name.clone());
        self.with_registries(move |registries| {
            let owner = owner(tenant.as_ref());
            let store = registries.there()?.ok_or_else(|| missing(&name))?;
            let known = store.registry(owner, name.as_str()).map_err(unkept)?;
            let known = known.ok_or_else(|| missing(&name))?;
            let login = match (changes, known.username) {
                (RegistryChanges::Login(login), _) => login,
                (RegistryChanges::Password(password), Some(username)) => {
                    RegistryLogin::Password { username, password }
                }
                (RegistryChanges::Password(_), None) => {
                    let message = "`username` is required: this registry is asked with an identity token so far";
                    return Err(Error::invalid("username", message));
                }
            };
            let (username, secret) = parts(login);
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let altered = store.alter(owner, name.as_str(), username.as_deref(), &secret, now);
            let registry = altered.map_err(unkept)?.ok_or_else(|| missing(&name))?;
            Ok(registry.into())
        })
        .await
    }

    /// Forgets one, and its password.
    pub async fn remove_registry(&self, call: &Call, name: &RegistryName) -> Result<()> {
        call.may(Scope::RegistriesWrite)?;
        let (tenant, name) = (call.tenant().cloned(), name.clone());
        self.with_registries(move |registries| {
            let removed = match registries.there()? {
                Some(store) => store.remove(owner(tenant.as_ref()), name.as_str()),
                None => Ok(false),
            };
            if removed.map_err(unkept)? {
                return Ok(());
            }
            Err(missing(&name))
        })
        .await
    }
}

pub(super) fn missing(name: &RegistryName) -> Error {
    Error::NoRegistry {
        name: name.to_string(),
    }
}
