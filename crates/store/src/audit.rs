//! The audit: entries in a chain, in a database of its own, so that its writes disturb nobody who looks for
//! changes of others.
//!
//! The hash of an entry is that of the hash before it and of everything in it. Who changes, removes or puts in
//! an entry has to make all later ones anew, and the last hash, if somebody has noted it elsewhere, tells.

use crate::{Error, Result, lock, opened, schema};
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
    /// What exactly was asked for, where the target does not say it.
    pub detail: Option<String>,
    /// How long it took, in microseconds, once that is known.
    pub took: Option<i64>,
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

/// Which entries are wanted: those with these texts in them; any with what is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// In who asked.
    pub caller: String,
    /// In what was asked for.
    pub action: String,
    /// In what it was about.
    pub target: String,
    /// The whole of the request's ID.
    pub request: String,
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
        // What older entries have not got is not in their hash.
        if let Some(detail) = &self.detail {
            hash.update(b"detail");
            hash.update((detail.len() as u64).to_be_bytes());
            hash.update(detail.as_bytes());
        }
        if let Some(took) = self.took {
            hash.update(b"took");
            hash.update(took.to_be_bytes());
        }
        hash.finalize().into()
    }
}

const COLUMNS: &str = "number, at, request, caller, action, target, outcome, hash, detail, took";

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
            detail: row.get(8)?,
            took: row.get(9)?,
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
        let connection = opened(directory, &path, &schema::AUDIT)?;
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
                    "INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                );
                change.prepare_cached(&sql)?.execute(params![
                    number,
                    entry.at,
                    entry.request,
                    entry.caller,
                    entry.action,
                    entry.target,
                    entry.outcome,
                    hash,
                    entry.detail,
                    entry.took
                ])?;
            }
            change.commit()
        };
        append().map_err(|error| self.failed(error))
    }

    /// The entries behind a place that a filter wants, the oldest first, so many at most.
    pub fn read(&self, after: i64, limit: usize, wanted: &AuditFilter) -> Result<Vec<AuditRecord>> {
        let connection = lock(&self.connection);
        let read = || -> rusqlite::Result<Vec<AuditRecord>> {
            let sql = format!(
                "SELECT {COLUMNS} FROM audit WHERE number > ?1 AND instr(caller, ?3) AND instr(action, ?4) AND instr(target, ?5) AND (?6 = '' OR request = ?6) ORDER BY number LIMIT ?2"
            );
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut ask = connection.prepare_cached(&sql)?;
            let values = params![
                after,
                limit,
                wanted.caller,
                wanted.action,
                wanted.target,
                wanted.request
            ];
            ask.query_map(values, record)?.collect()
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
            detail: (number % 2 == 0).then(|| "ls /".into()),
            took: (number % 2 == 0).then_some(number),
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
        let all_of_them = AuditFilter::default();
        let all = two.read(0, 100, &all_of_them).expect("a list");
        let mut before = BEGINNING;
        for (at, record) in all.iter().enumerate() {
            let number = i64::try_from(at + 1).expect("a number");
            assert_eq!((record.number, &record.entry), (number, &entry(number)));
            assert_eq!(record.hash, record.entry.hash(number, &before));
            before = record.hash;
        }
        assert_eq!(one.read(1, 2, &all_of_them).expect("a part"), all[1..3]);
        assert_eq!(one.read(4, 9, &all_of_them).expect("nothing"), []);
    }

    #[test]
    fn nothing_moves_from_one_text_to_the_next() {
        let (mut one, mut other) = (entry(1), entry(1));
        (one.action, one.target) = ("ab".into(), "c".into());
        (other.action, other.target) = ("a".into(), "bc".into());
        assert_ne!(one.hash(1, &BEGINNING), other.hash(1, &BEGINNING));
        let mut other = entry(1);
        other.detail = Some(String::new());
        assert_ne!(entry(1).hash(1, &BEGINNING), other.hash(1, &BEGINNING));
    }
}
