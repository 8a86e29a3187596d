//! Registries of images, with what one says to be let in: in a database of their own, the secrets encrypted.
//!
//! A secret is bound to its registry's tenant, name and host: in another row it is of no use.

use crate::vault::Place;
use crate::{Error, Result, Secret, Vault, is_empty, lock, opened, schema, wipe};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What is known of a registry; never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryRecord {
    /// For whom it was made.
    pub tenant: Option<String>,
    /// Its name, which no other of this tenant has.
    pub name: String,
    /// Where it is.
    pub host: String,
    /// Who one is there; `None` if the secret says that, too.
    pub username: Option<String>,
    /// When it was made: seconds since 1970.
    pub created: i64,
    /// When its secret was changed last.
    pub changed: i64,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryRoom {
    /// Of one tenant.
    pub own: i64,
    /// Of all together.
    pub all: i64,
}

/// What became of a new registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedRegistry {
    /// It is kept.
    Added,
    /// Its tenant has one of that name.
    There,
    /// There are as many as there may be.
    Full,
}

const COLUMNS: &str = "tenant, name, host, username, created, changed";

fn record(row: &Row) -> rusqlite::Result<RegistryRecord> {
    let tenant: String = row.get(0)?;
    Ok(RegistryRecord {
        tenant: Some(tenant).filter(|tenant| !tenant.is_empty()),
        name: row.get(1)?,
        host: row.get(2)?,
        username: row.get(3)?,
        created: row.get(4)?,
        changed: row.get(5)?,
    })
}

/// The database of registries.
#[derive(Debug)]
pub struct RegistryStore {
    path: PathBuf,
    vault: Arc<Vault>,
    connection: Mutex<Connection>,
}

impl RegistryStore {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("registries.db")
    }

    /// Whether a state directory has none.
    pub(crate) fn is_empty(directory: &Path) -> Result<bool> {
        is_empty(&Self::file(directory), "registry")
    }

    /// Opens the registries of a state directory. Both are made if they are missing, for this account only.
    pub fn open(directory: &Path, vault: Arc<Vault>) -> Result<Self> {
        let path = Self::file(directory);
        let connection = opened(directory, &path, &schema::REGISTRIES)?;
        wipe(&connection, &path)?;
        Ok(Self {
            connection: Mutex::new(connection),
            vault,
            path,
        })
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        let path = self.path.clone();
        Error::Database { path, error }
    }

    /// Changes something, or nothing if there is an error.
    fn change<T>(&self, change: impl FnOnce(&Transaction) -> Result<T>) -> Result<T> {
        let mut connection = lock(&self.connection);
        let open = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let open = open.map_err(|error| self.failed(error))?;
        let made = change(&open)?;
        open.commit().map_err(|error| self.failed(error))?;
        Ok(made)
    }

    fn seal(&self, registry: &RegistryRecord, secret: &Secret, first: bool) -> Result<Vec<u8>> {
        self.vault.seal(Place(&place(registry)), secret, first)
    }

    /// Keeps a new registry, if there is room for it and its name.
    pub fn add(
        &self,
        registry: &RegistryRecord,
        secret: &Secret,
        room: RegistryRoom,
    ) -> Result<AddedRegistry> {
        let owner = registry.tenant.as_deref().unwrap_or_default();
        self.change(|change| {
            let failed = |error| self.failed(error);
            let there = one(change, owner, &registry.name).map_err(failed)?;
            if there.is_some() {
                return Ok(AddedRegistry::There);
            }
            let sql = "SELECT count(*), count(*) FILTER (WHERE tenant = ?1) FROM registry";
            let (all, own): (i64, i64) = change
                .query_row(sql, [owner], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(failed)?;
            if all >= room.all || own >= room.own {
                return Ok(AddedRegistry::Full);
            }
            let sealed = self.seal(registry, secret, all == 0)?;
            let sql = format!(
                "INSERT INTO registry ({COLUMNS}, secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            );
            change
                .execute(
                    &sql,
                    params![
                        owner,
                        registry.name,
                        registry.host,
                        registry.username,
                        registry.created,
                        registry.changed,
                        sealed
                    ],
                )
                .map_err(failed)?;
            Ok(AddedRegistry::Added)
        })
    }

    /// Registries by name: one tenant's, or everybody's.
    pub fn registries(&self, tenant: Option<&str>) -> Result<Vec<RegistryRecord>> {
        let list = || {
            let connection = lock(&self.connection);
            let sql = format!(
                "SELECT {COLUMNS} FROM registry WHERE ?1 IS NULL OR tenant = ?1 ORDER BY name, tenant"
            );
            let mut ask = connection.prepare_cached(&sql)?;
            ask.query_map([tenant], record)?
                .collect::<rusqlite::Result<_>>()
        };
        list().map_err(|error| self.failed(error))
    }

    /// One of them: a tenant's, or nobody's.
    pub fn registry(&self, tenant: Option<&str>, name: &str) -> Result<Option<RegistryRecord>> {
        let found = one(&lock(&self.connection), tenant.unwrap_or_default(), name);
        found.map_err(|error| self.failed(error))
    }

    /// One of them with its secret, or why that can't be read.
    pub fn with_secret(
        &self,
        tenant: Option<&str>,
        name: &str,
    ) -> Result<Option<(RegistryRecord, Result<Secret>)>> {
        let read = || {
            let connection = lock(&self.connection);
            let sql =
                format!("SELECT {COLUMNS}, secret FROM registry WHERE tenant = ?1 AND name = ?2");
            let mut ask = connection.prepare_cached(&sql)?;
            let row = |row: &Row| Ok((record(row)?, row.get::<_, Vec<u8>>(6)?));
            let owner = tenant.unwrap_or_default();
            ask.query_row([owner, name], row).optional()
        };
        let found = read().map_err(|error| self.failed(error))?;
        Ok(found.map(|(registry, sealed)| {
            let secret = self.vault.open(Place(&place(&registry)), &sealed);
            (registry, secret)
        }))
    }

    /// Changes who one is in a registry and what proves it. The registry as it is then.
    pub fn alter(
        &self,
        tenant: Option<&str>,
        name: &str,
        username: Option<&str>,
        secret: &Secret,
        now: i64,
    ) -> Result<Option<RegistryRecord>> {
        let owner = tenant.unwrap_or_default();
        self.change(|change| {
            let failed = |error| self.failed(error);
            let Some(mut registry) = one(change, owner, name).map_err(failed)? else {
                return Ok(None);
            };
            registry.username = username.map(str::to_owned);
            registry.changed = now;
            let sealed = self.seal(&registry, secret, false)?;
            let sql = "UPDATE registry SET username = ?3, changed = ?4, secret = ?5
                WHERE tenant = ?1 AND name = ?2";
            let values = params![owner, name, registry.username, now, sealed];
            change.execute(sql, values).map_err(failed)?;
            Ok(Some(registry))
        })
    }

    /// Forgets one. Whether there was one.
    pub fn remove(&self, tenant: Option<&str>, name: &str) -> Result<bool> {
        self.change(|change| {
            let sql = "DELETE FROM registry WHERE tenant = ?1 AND name = ?2";
            let removed = change.execute(sql, [tenant.unwrap_or_default(), name]);
            Ok(removed.map_err(|error| self.failed(error))? > 0)
        })
    }
}

fn one(
    connection: &Connection,
    owner: &str,
    name: &str,
) -> rusqlite::Result<Option<RegistryRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM registry WHERE tenant = ?1 AND name = ?2");
    let mut ask = connection.prepare_cached(&sql)?;
    ask.query_row([owner, name], record).optional()
}

/// Where a registry's secret belongs.
fn place(registry: &RegistryRecord) -> [&str; 4] {
    let tenant = registry.tenant.as_deref().unwrap_or_default();
    ["registry", tenant, &registry.name, &registry.host]
}

#[cfg(test)]
mod tests;
