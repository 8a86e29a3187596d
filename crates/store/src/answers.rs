//! Answers to requests that were asked with a key, in a database of their own, so that its writes disturb nobody
//! who looks for changes of others.
//!
//! A key is written down before its request is begun. Of requests and keys only keyed hashes are kept, and answers
//! are encrypted, each for its own key.

use crate::vault::Place;
use crate::{
    Error, RegistryStore, Result, Secret, Vault, WebhookStore, lock, opened, schema, scrub, wipe,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How many old keys go with each new one.
const SWEPT: usize = 100;

/// A key that a request was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// What it is known by.
    pub id: [u8; 32],
    /// Who asked.
    pub caller: String,
    /// Until when it is kept: seconds since 1970.
    pub expires: i64,
}

/// The request that a key stands for, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Its hash.
    pub fingerprint: [u8; 32],
    /// How many bytes of its content were read.
    pub length: u64,
    /// Whether that was all.
    pub whole: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    /// Its status.
    pub status: u16,
    /// Which request it answers; `None` if an earlier version has kept it.
    pub request: Option<RequestRecord>,
    /// All else, in the form of whoever keeps it, or why that can't be read; `None` if it was not kept.
    pub content: Option<Result<Secret, String>>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Of one caller.
    pub own: i64,
    /// Of all together.
    pub all: i64,
}

/// What a key has stood for so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// Nothing; it has been written down now.
    New,
    /// A request that has not been answered yet.
    Begun,
    /// A request that has been answered.
    Answered(AnswerRecord),
    /// Nothing, and there is no room for more of this caller's.
    NoRoom,
}

/// What a row says of the answer, still encrypted; `None` if there is none yet.
type Found = Option<(u16, Option<RequestRecord>, Option<Vec<u8>>)>;

fn found(row: &Row) -> rusqlite::Result<Found> {
    let Some(status) = row.get(0)? else {
        return Ok(None);
    };
    let request = match (row.get(2)?, row.get::<_, Option<i64>>(3)?, row.get(4)?) {
        (Some(fingerprint), Some(length), Some(whole)) => Some(RequestRecord {
            fingerprint,
            length: u64::try_from(length).unwrap_or_default(),
            whole,
        }),
        _ => None,
    };
    Ok(Some((status, request, row.get(1)?)))
}

/// Where an answer belongs: to its key and its status.
fn place(id: &[u8; 32], status: u16) -> [String; 2] {
    let mut hex = String::with_capacity(64);
    for byte in id {
        // Writing into memory can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    [hex, status.to_string()]
}

/// How many keys a caller, and all, have; and the bytes of their answers.
fn taken(change: &Transaction, caller: &str) -> rusqlite::Result<[(i64, i64); 2]> {
    let count = "SELECT count(*), coalesce(sum(size), 0) FROM answer";
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    let own = format!("{count} WHERE caller = ?1");
    let own = change
        .prepare_cached(&own)?
        .query_row(params![caller], read)?;
    let all = change.prepare_cached(count)?.query_row([], read)?;
    Ok([own, all])
}

/// The database of answers.
#[derive(Debug)]
pub struct Answers {
    path: PathBuf,
    vault: Arc<Vault>,
    connection: Mutex<Connection>,
}

impl Answers {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("idempotency.db")
    }

    /// Opens the answers of a state directory. Both are made if they are missing, for this account only; so is the
    /// key of what is encrypted, before the first request is done whose answer needs it. What an earlier version has
    /// kept as it was is gone from the file.
    pub fn open(directory: &Path, vault: Arc<Vault>) -> Result<Self> {
        let path = Self::file(directory);
        let connection = opened(directory, &path, &schema::ANSWERS)?;
        wipe(&connection, &path)?;
        let database = |error| Error::Database {
            path: path.clone(),
            error,
        };
        if scrub::is_marked(&connection).map_err(database)? {
            scrub::scrub(&connection).map_err(database)?;
        }
        // Answers of another key may be lost, but not what others have encrypted with it.
        vault.prepare(|| {
            Ok(RegistryStore::is_empty(directory)? && WebhookStore::is_empty(directory)?)
        })?;
        Ok(Self {
            connection: Mutex::new(connection),
            vault,
            path,
        })
    }

    fn change<T>(&self, change: impl FnOnce(&Transaction) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = lock(&self.connection);
        let made = || {
            let open = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = change(&open)?;
            open.commit()?;
            Ok(made)
        };
        made().map_err(|error| Error::Database {
            path: self.path.clone(),
            error,
        })
    }

    /// The key of the hashes: `fresh`, unless there is one already.
    pub fn secret(&self, fresh: &[u8; 32]) -> Result<[u8; 32]> {
        self.change(|change| {
            change.execute(
                "INSERT INTO secret SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM secret)",
                params![fresh],
            )?;
            change.query_row("SELECT value FROM secret", [], |row| row.get(0))
        })
    }

    /// Writes a key down, unless it is there or there are as many as there may be.
    pub fn begin(&self, key: &KeyRecord, now: i64, keys: Room) -> Result<Noted> {
        let before = self.change(|change| {
            let old = format!(
                "DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE expires <= ?1 LIMIT {SWEPT})"
            );
            change.prepare_cached(&old)?.execute(params![now])?;
            let look = "SELECT status, sealed, fingerprint, length, whole FROM answer WHERE id = ?1 AND expires > ?2";
            let mut look = change.prepare_cached(look)?;
            let found = look.query_row(params![key.id, now], found).optional()?;
            if let Some(found) = found {
                return Ok(Ok(found));
            }
            let [(own, _), (all, _)] = taken(change, &key.caller)?;
            if own >= keys.own || all >= keys.all {
                return Ok(Err(Noted::NoRoom));
            }
            let new = "INSERT OR REPLACE INTO answer (id, caller, expires, size) VALUES (?1, ?2, ?3, 0)";
            let values = params![key.id, key.caller, key.expires];
            change.prepare_cached(new)?.execute(values)?;
            Ok(Err(Noted::New))
        })?;
        Ok(match before {
            Ok(Some((status, request, sealed))) => Noted::Answered(AnswerRecord {
                status,
                request,
                content: sealed.map(|sealed| self.opened(key, status, &sealed)),
            }),
            Ok(None) => Noted::Begun,
            Err(noted) => noted,
        })
    }

    fn opened(&self, key: &KeyRecord, status: u16, sealed: &[u8]) -> Result<Secret, String> {
        let [id, said] = place(&key.id, status);
        let content = self.vault.open(Place(&["answer", &id, &said]), sealed);
        content.map_err(|error| error.to_string())
    }

    /// Keeps a key's answer, only its status if the content is none or more than may be kept.
    pub fn finish(
        &self,
        key: &KeyRecord,
        request: &RequestRecord,
        status: u16,
        content: Option<&Secret>,
        bytes: Room,
    ) -> Result<()> {
        let [id, said] = place(&key.id, status);
        let seal = |content| {
            let place = Place(&["answer", &id, &said]);
            self.vault.seal(place, content, false)
        };
        let sealed = content.map(seal).transpose()?;
        self.change(|change| {
            let [(_, own), (_, all)] = taken(change, &key.caller)?;
            let size = |sealed: &&Vec<u8>| i64::try_from(sealed.len()).unwrap_or(i64::MAX);
            let fits = |sealed: &&Vec<u8>| {
                own + size(sealed) <= bytes.own && all + size(sealed) <= bytes.all
            };
            let sealed = sealed.as_ref().filter(fits);
            let kept = "INSERT OR REPLACE INTO answer (id, caller, expires, fingerprint, length, whole, status, sealed, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let values = params![
                key.id,
                key.caller,
                key.expires,
                request.fingerprint,
                i64::try_from(request.length).unwrap_or(i64::MAX),
                request.whole,
                status,
                sealed,
                sealed.as_ref().map_or(0, size)
            ];
            change.prepare_cached(kept)?.execute(values)
        })
        .map(drop)
    }

    /// Forgets a key.
    pub fn forget(&self, id: &[u8; 32]) -> Result<()> {
        self.change(|change| {
            let mut gone = change.prepare_cached("DELETE FROM answer WHERE id = ?1")?;
            gone.execute(params![id])
        })
        .map(drop)
    }

    /// Forgets what has been kept long enough. How many keys that were.
    pub fn sweep(&self, now: i64) -> Result<usize> {
        self.change(|change| {
            let mut old = change.prepare_cached("DELETE FROM answer WHERE expires <= ?1")?;
            old.execute(params![now])
        })
    }
}

#[cfg(test)]
mod tests;
