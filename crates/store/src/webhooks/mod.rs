//! Webhooks, in a database of their own: what they are to be told is written all the time, and must not disturb
//! those who look for changes of tokens.

mod clear;
mod deliveries;

pub use deliveries::{Attempt, DeliveryRecord, DeliveryState, Handled, NewDelivery, WebhookCounts};

use crate::vault::Place;
use crate::{Error, Result, Secret, Vault, is_empty, lock, opened, schema, wipe};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What is kept of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Its ID.
    pub id: String,
    /// Where it is told.
    pub url: String,
    /// What it wants to hear of, separated by spaces.
    pub events: String,
    /// Only of containers whose names begin so.
    pub name_prefix: Option<String>,
    /// Only of those with these labels, each on a line.
    pub labels: String,
    /// What its messages are signed with, or why that can't be read.
    pub secret: Result<Secret, String>,
    /// For whom it was made.
    pub tenant: Option<String>,
    /// What the names of its maker's containers begin with.
    pub prefix: Option<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why not, if it was not its owner who said so.
    pub reason: Option<String>,
    /// It hears of what happened after this: nanoseconds since 1970.
    pub since: i64,
    /// When it was made: seconds since 1970.
    pub created: i64,
}

impl fmt::Debug for WebhookRecord {
    /// Shows neither the secret nor the URL, which may have one in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookRecord")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, url, events, name_prefix, labels, secret, tenant, prefix, enabled, reason, since, created";

/// Whether there is no webhook.
fn none(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM webhook)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Where a webhook's secret belongs: with another address it would sign for somebody else.
fn place(webhook: &WebhookRecord) -> [&str; 4] {
    let tenant = webhook.tenant.as_deref().unwrap_or_default();
    ["webhook", &webhook.id, tenant, &webhook.url]
}

/// A row, and its secret as it is kept.
fn record(row: &Row) -> rusqlite::Result<(WebhookRecord, Vec<u8>)> {
    let kept = row.get(5)?;
    let record = WebhookRecord {
        id: row.get(0)?,
        url: row.get(1)?,
        events: row.get(2)?,
        name_prefix: row.get(3)?,
        labels: row.get(4)?,
        secret: Err(String::new()),
        tenant: row.get(6)?,
        prefix: row.get(7)?,
        enabled: row.get(8)?,
        reason: row.get(9)?,
        since: row.get(10)?,
        created: row.get(11)?,
    };
    Ok((record, kept))
}

/// The database of webhooks.
#[derive(Debug)]
pub struct WebhookStore {
    path: PathBuf,
    vault: Arc<Vault>,
    connection: Mutex<Connection>,
}

impl WebhookStore {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("webhooks.db")
    }

    /// Whether a state directory has none.
    pub(crate) fn is_empty(directory: &Path) -> Result<bool> {
        is_empty(&Self::file(directory), "webhook")
    }

    /// Opens the webhooks of a state directory. Both are made if they are missing, for this account only. Secrets
    /// that an earlier version kept as they are get encrypted.
    pub fn open(directory: &Path, vault: Arc<Vault>) -> Result<Self> {
        let path = Self::file(directory);
        let mut connection = opened(directory, &path, &schema::WEBHOOKS)?;
        wipe(&connection, &path)?;
        clear::away(&mut connection, &path, &vault)?;
        Ok(Self {
            connection: Mutex::new(connection),
            vault,
            path,
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&mut lock(&self.connection)).map_err(|error| Error::Database {
            path: self.path.clone(),
            error,
        })
    }

    /// Every webhook, the oldest first.
    pub fn webhooks(&self) -> Result<Vec<WebhookRecord>> {
        let all = self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM webhook ORDER BY created, id");
            let mut ask = connection.prepare_cached(&sql)?;
            ask.query_map([], record)?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let read = all.into_iter().map(|(mut webhook, sealed)| {
            let secret = self.vault.open(Place(&place(&webhook)), &sealed);
            webhook.secret = secret.map_err(|error| error.to_string());
            webhook
        });
        Ok(read.collect())
    }

    /// Keeps a webhook, a new one or in the place of the one with its ID. Its secret must be known.
    pub fn keep_webhook(&self, webhook: &WebhookRecord) -> Result<()> {
        let secret = webhook.secret.as_ref().map_err(|_| Error::Broken {
            what: "the secret to be kept is not known",
        })?;
        let first = self.with(|connection| none(connection))?;
        let sealed = self.vault.seal(Place(&place(webhook)), secret, first)?;
        self.with(|connection| {
            let sql = format!(
                "REPLACE INTO webhook ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
            );
            connection.execute(
                &sql,
                params![
                    webhook.id,
                    webhook.url,
                    webhook.events,
                    webhook.name_prefix,
                    webhook.labels,
                    sealed,
                    webhook.tenant,
                    webhook.prefix,
                    webhook.enabled,
                    webhook.reason,
                    webhook.since,
                    webhook.created
                ],
            )
        })
        .map(drop)
    }

    /// Tells a webhook nothing any more. Whether there is one that was told.
    pub fn disable_webhook(&self, id: &str, reason: &str) -> Result<bool> {
        self.with(|connection| {
            let sql = "UPDATE webhook SET enabled = 0, reason = ?2 WHERE id = ?1 AND enabled";
            connection.execute(sql, params![id, reason])
        })
        .map(|changed| changed > 0)
    }

    /// Forgets a webhook and all that it was to be told. Whether there was one.
    pub fn remove_webhook(&self, id: &str) -> Result<bool> {
        self.with(|connection| {
            let change = connection.transaction()?;
            let removed = change.execute("DELETE FROM webhook WHERE id = ?1", [id])?;
            change.execute("DELETE FROM delivery WHERE webhook = ?1", [id])?;
            change.commit()?;
            Ok(removed > 0)
        })
    }

    /// The time of the last event that was handled, in nanoseconds since 1970.
    pub fn place(&self) -> Result<Option<i64>> {
        self.with(|connection| {
            let sql = "SELECT at FROM place";
            connection.query_row(sql, [], |row| row.get(0)).optional()
        })
    }

    /// Events up to this one are of no interest.
    pub fn set_place(&self, at: i64) -> Result<()> {
        self.with(|connection| deliveries::write_place(connection, at))
    }

    /// What the health checks of containers have said last.
    pub fn health(&self) -> Result<Vec<(String, String)>> {
        self.with(|connection| {
            let mut ask = connection.prepare("SELECT container, status FROM health")?;
            ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }
}

#[cfg(test)]
mod tests;
