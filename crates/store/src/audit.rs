//! The audit: entries in a chain, in a database of its own, so that its writes disturb nobody who looks for
//! changes of others.
//!
//! The hash of an entry is that of the hash before it and of everything in it. Who changes, removes or puts in
//! an entry has to make all later ones anew, and the last hash, if somebody has noted it elsewhere, tells.

use crate::{Error, Result, connect, lock, open_file, schema};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// When: milliseconds since 1970.
    pub at: i64,
    /// The request's ID.
    pub request: String,
    /// Who asked.
    pub caller: String,
    /// For what.
    pub action: String,
    /// About what.
    pub target: String,
    /// How it went; `begun` before it is known.
    pub outcome: String,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place, from 1.
    pub number: i64,
    /// What is written down.
    pub entry: NewAudit,
    /// The link to all before it.
    pub hash: [u8; 32],
}

/// Before the first entry.
pub const BEGINNING: [u8; 32] = [0; 32];

impl NewAudit {
    /// The hash of this entry at a place behind another hash.
    pub fn hash(&self, number: i64, before: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(number.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let texts = [
            &self.request,
            &self.caller,
            &self.action,
            &self.target,
            &self.outcome,
        ];
        for text in texts {
            // With its length, so that nothing can move from one to the next.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }
}

const COLUMNS: &str = "number, at, request, caller, action, target, outcome, hash";

fn record(row: &Row) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        number: row.get(0)?,
        entry: NewAudit {
            at: row.get(1)?,
            request: row.get(2)?,
            caller: row.get(3)?,
            action: row.get(4)?,
            target: row.get(5)?,
            outcome: row.get(6)?,
        },
        hash: row.get(7)?,
    })
}

/// The audit's database.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl AuditLog {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("audit.db")
    }

    /// Opens the audit of a state directory. Both are made if they are missing, for this account only.
    pub fn open(directory: &Path) -> Result<Self> {
        let path = Self::file(directory);
        open_file(directory, &path)?;
        let database = |error| Error::Database {
            path: path.clone(),
            error,
        };
        let mut connection = connect(&path).map_err(database)?;
        schema::migrate(&mut connection, &path, &schema::AUDIT)?;
        Ok(Self {
            connection: Mutex::new(connection),
            path,
        })
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        let path = self.path.clone();
        Error::Database { path, error }
    }

    /// Writes entries down, all or none, behind whatever any process has written before.
    pub fn append(&self, entries: &[NewAudit]) -> Result<()> {
        let mut connection = lock(&self.connection);
        let mut append = || {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
            let last = change.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?)));
            let (mut number, mut hash) = last.optional()?.unwrap_or((0, BEGINNING));
            for entry in entries {
                number += 1;
                hash = entry.hash(number, &hash);
                let sql = format!(
                    "INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                );
                change.prepare_cached(&sql)?.execute(params![
                    number,
                    entry.at,
                    entry.request,
                    entry.caller,
                    entry.action,
                    entry.target,
                    entry.outcome,
                    hash
                ])?;
            }
            change.commit()
        };
        append().map_err(|error| self.failed(error))
    }

    /// The entries behind a place, the oldest first, so many at most.
    pub fn read(&self, after: i64, limit: usize) -> Result<Vec<AuditRecord>> {
        let connection = lock(&self.connection);
        let read = || -> rusqlite::Result<Vec<AuditRecord>> {
            let sql =
                format!("SELECT {COLUMNS} FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2");
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut ask = connection.prepare_cached(&sql)?;
            ask.query_map(params![after, limit], record)?.collect()
        };
        read().map_err(|error| self.failed(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64) -> NewAudit {
        NewAudit {
            at: number * 1000,
            request: format!("r{number}"),
            caller: "token 4f1c (ci)".into(),
            action: "DELETE /api/v1/containers/{name}".into(),
            target: "/api/v1/containers/web".into(),
            outcome: "200".into(),
        }
    }

    #[test]
    fn entries_of_two_processes_make_one_chain() {
        let directory = tempfile::tempdir().expect("a directory");
        let one = AuditLog::open(directory.path()).expect("made");
        let two = AuditLog::open(directory.path()).expect("opened");
        one.append(&[entry(1), entry(2)]).expect("written");
        two.append(&[entry(3)]).expect("written");
        one.append(&[entry(4)]).expect("written");
        let all = two.read(0, 100).expect("a list");
        let mut before = BEGINNING;
        for (at, record) in all.iter().enumerate() {
            let number = i64::try_from(at + 1).expect("a number");
            assert_eq!((record.number, &record.entry), (number, &entry(number)));
            assert_eq!(record.hash, record.entry.hash(number, &before));
            before = record.hash;
        }
        assert_eq!(one.read(1, 2).expect("a part"), all[1..3]);
        assert_eq!(one.read(4, 9).expect("nothing"), []);
    }

    #[test]
    fn nothing_moves_from_one_text_to_the_next() {
        let (mut one, mut other) = (entry(1), entry(1));
        (one.action, one.target) = ("ab".into(), "c".into());
        (other.action, other.target) = ("a".into(), "bc".into());
        assert_ne!(one.hash(1, &BEGINNING), other.hash(1, &BEGINNING));
    }
}
