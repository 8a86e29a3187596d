//! What Podlane keeps for good: one SQLite database in its state directory, which the server and the
//! command line use at the same time.
//!
//! It is in WAL mode: readers and the one writer do not wait for each other. `synchronous` is FULL: what a
//! call has answered survives a power cut, so a revoked token does not come back. All calls block, for as
//! long as a disk takes; [`Store::version`] and reads touch only memory as a rule.

mod answers;
mod audit;
mod lifetimes;
mod registries;
mod schema;
mod scrub;
mod tokens;
mod vault;
mod webhooks;

pub use answers::{AnswerRecord, Answers, KeyRecord, Noted, RequestRecord, Room};
pub use audit::{AuditFilter, AuditLog, AuditRecord, BEGINNING, NewAudit};
pub use registries::{AddedRegistry, RegistryRecord, RegistryRoom, RegistryStore};
pub use tokens::TokenRecord;
pub use vault::{Secret, Vault};
pub use webhooks::{
    Attempt, DeliveryRecord, DeliveryState, Handled, NewDelivery, WebhookCounts, WebhookRecord,
    WebhookStore,
};

use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the database can't be used.
#[derive(Debug, Error)]
pub enum Error {
    /// Its directory or file can't be made.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// SQLite says so.
    #[error("{path}: {error}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// A later Podlane has written it.
    #[error(
        "{path} was written by a later version of Podlane (schema {found}, known up to {known})"
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// The key of what is encrypted can't be used.
    #[error("{path}: {reason}")]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why, for people.
        reason: String,
    },
    /// Something encrypted can't be read.
    #[error("{what}")]
    Broken {
        /// Why, for people.
        what: &'static str,
    },
}

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The database.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Writes, and may wait for the disk.
    writer: Mutex<Connection>,
    /// Reads; it is told of the writer's changes as of those of other processes.
    reader: Mutex<Connection>,
}

impl Store {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("podlane.db")
    }

    /// Opens the database of a state directory. Both are made if they are missing, for this account only.
    pub fn open(directory: &Path) -> Result<Self> {
        let path = Self::file(directory);
        let writer = opened(directory, &path, &schema::MAIN)?;
        let database = |error| Error::Database {
            path: path.clone(),
            error,
        };
        let reader = connect(&path).map_err(database)?;
        reader
            .pragma_update(None, "query_only", true)
            .map_err(database)?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            path,
        })
    }

    /// A number that is another one when anybody has changed something.
    pub fn version(&self) -> Result<i64> {
        self.read(|reader| {
            let mut ask = reader.prepare_cached("PRAGMA data_version")?;
            ask.query_row([], |row| row.get(0))
        })
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        ask(&lock(&self.reader)).map_err(|error| self.failed(error))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        change(&mut lock(&self.writer)).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        let path = self.path.clone();
        Error::Database { path, error }
    }
}

/// A connection to a database whose tables are those of today. File and directory are made if they are missing.
fn opened(directory: &Path, path: &Path, steps: &[&str]) -> Result<Connection> {
    open_file(directory, path)?;
    let mut connection = connect(path).map_err(|error| Error::Database {
        path: path.to_owned(),
        error,
    })?;
    schema::migrate(&mut connection, path, steps)?;
    Ok(connection)
}

/// Has what goes overwritten: it is not to be read in the file.
fn wipe(connection: &Connection, path: &Path) -> Result<()> {
    let set = connection.pragma_update(None, "secure_delete", true);
    set.map_err(|error| Error::Database {
        path: path.to_owned(),
        error,
    })
}

/// Whether there is no such file, or nothing in a table of its database.
fn is_empty(path: &Path, table: &str) -> Result<bool> {
    if !path.exists() {
        return Ok(true);
    }
    let look = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {table})");
        connection.query_row(&sql, [], |row| row.get(0))
    };
    look().map_err(|error| Error::Database {
        path: path.to_owned(),
        error,
    })
}

/// Makes a database's file and its directory if they are missing, for this account only.
fn open_file(directory: &Path, path: &Path) -> Result<()> {
    let file = |error| Error::File {
        path: path.to_owned(),
        error,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(file)?;
    // SQLite gives its other files the mode of this one.
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map(drop).map_err(file)
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}
