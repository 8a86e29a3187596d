//! Answers to requests that were asked with a key, in a database of their own, so that its writes disturb nobody
//! who looks for changes of others.
//!
//! A key is written down before its request is begun. Of requests and keys only keyed hashes are kept.

use crate::{Error, Result, lock, opened, schema, wipe};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How many old keys go with each new one.
const SWEPT: usize = 100;

/// A key that a request was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// What it is known by.
    pub id: [u8; 32],
    /// Which request it stands for.
    pub fingerprint: [u8; 32],
    /// Who asked.
    pub caller: String,
    /// Until when it is kept: seconds since 1970.
    pub expires: i64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    /// Its status.
    pub status: u16,
    /// Whether its body is an error that is still to be written.
    pub failure: bool,
    /// Its headers, in the form of whoever keeps it.
    pub headers: String,
    /// Its body; `None` if it was not kept.
    pub body: Option<Vec<u8>>,
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
    /// A request that has, or has not yet, been answered.
    Before {
        /// Which request.
        fingerprint: [u8; 32],
        /// Its answer, if there has been one.
        answer: Option<AnswerRecord>,
    },
    /// Nothing, and there is no room for more of this caller's.
    NoRoom,
}

fn answer(row: &Row) -> rusqlite::Result<([u8; 32], Option<AnswerRecord>)> {
    let status: Option<u16> = row.get(1)?;
    let Some(status) = status else {
        return Ok((row.get(0)?, None));
    };
    let answer = AnswerRecord {
        status,
        failure: row.get(2)?,
        headers: row.get(3)?,
        body: row.get(4)?,
    };
    Ok((row.get(0)?, Some(answer)))
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
    connection: Mutex<Connection>,
}

impl Answers {
    /// The database's file in a state directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("idempotency.db")
    }

    /// Opens the answers of a state directory. Both are made if they are missing, for this account only.
    pub fn open(directory: &Path) -> Result<Self> {
        let path = Self::file(directory);
        let connection = opened(directory, &path, &schema::ANSWERS)?;
        wipe(&connection, &path)?;
        Ok(Self {
            connection: Mutex::new(connection),
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
        self.change(|change| {
            let old = format!(
                "DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE expires <= ?1 LIMIT {SWEPT})"
            );
            change.prepare_cached(&old)?.execute(params![now])?;
            let look = "SELECT fingerprint, status, failure, headers, body FROM answer WHERE id = ?1 AND expires > ?2";
            let mut look = change.prepare_cached(look)?;
            let found = look.query_row(params![key.id, now], answer).optional()?;
            if let Some((fingerprint, answer)) = found {
                return Ok(Noted::Before {
                    fingerprint,
                    answer,
                });
            }
            let [(own, _), (all, _)] = taken(change, &key.caller)?;
            if own >= keys.own || all >= keys.all {
                return Ok(Noted::NoRoom);
            }
            let new = "INSERT OR REPLACE INTO answer (id, fingerprint, caller, expires, size) VALUES (?1, ?2, ?3, ?4, 0)";
            let values = params![key.id, key.fingerprint, key.caller, key.expires];
            change.prepare_cached(new)?.execute(values)?;
            Ok(Noted::New)
        })
    }

    /// Keeps a key's answer, without its body if that is more than may be kept.
    pub fn finish(&self, key: &KeyRecord, answer: &AnswerRecord, bytes: Room) -> Result<()> {
        self.change(|change| {
            let [(_, own), (_, all)] = taken(change, &key.caller)?;
            let size = |body: &&Vec<u8>| {
                i64::try_from(body.len() + answer.headers.len()).unwrap_or(i64::MAX)
            };
            let fits = |body: &&Vec<u8>| own + size(body) <= bytes.own && all + size(body) <= bytes.all;
            let body = answer.body.as_ref().filter(fits);
            let kept = "INSERT OR REPLACE INTO answer (id, fingerprint, caller, expires, status, failure, headers, body, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let values = params![
                key.id,
                key.fingerprint,
                key.caller,
                key.expires,
                answer.status,
                answer.failure,
                answer.headers,
                body,
                body.as_ref().map_or(0, size)
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
mod tests {
    use super::*;

    const MUCH: Room = Room { own: 100, all: 100 };

    fn key(id: u8, caller: &str, expires: i64) -> KeyRecord {
        KeyRecord {
            id: [id; 32],
            fingerprint: [id + 100; 32],
            caller: caller.into(),
            expires,
        }
    }

    fn answer(body: &str) -> AnswerRecord {
        AnswerRecord {
            status: 200,
            failure: false,
            headers: "[]".into(),
            body: Some(body.into()),
        }
    }

    fn before(answer: Option<AnswerRecord>) -> Noted {
        Noted::Before {
            fingerprint: [101; 32],
            answer,
        }
    }

    #[test]
    fn a_key_is_begun_once_answered_once_and_gone_in_the_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let open = || Answers::open(directory.path()).expect("opened");
        let (one, first) = (open(), key(1, "anonymous", 10));
        let secret = one.secret(&[1; 32]).expect("a secret");
        assert_eq!(one.begin(&first, 5, MUCH).expect("begun"), Noted::New);
        assert_eq!(one.begin(&first, 6, MUCH).expect("asked"), before(None));
        drop(one);
        let two = open();
        assert_eq!(two.secret(&[2; 32]).expect("the same"), secret);
        assert_eq!(two.begin(&first, 7, MUCH).expect("asked"), before(None));
        two.finish(&first, &answer("x"), MUCH).expect("kept");
        let kept = before(Some(answer("x")));
        assert_eq!(open().begin(&first, 8, MUCH).expect("asked"), kept);
        two.forget(&first.id).expect("forgotten");
        assert_eq!(two.begin(&first, 9, MUCH).expect("begun"), Noted::New);
        assert_eq!(two.sweep(9).expect("swept"), 0);
        let again = key(1, "anonymous", 20);
        assert_eq!(two.begin(&again, 10, MUCH).expect("begun"), Noted::New);
        assert_eq!(two.sweep(20).expect("swept"), 1);
    }

    #[test]
    fn one_caller_leaves_room_for_others() {
        let directory = tempfile::tempdir().expect("a directory");
        let answers = Answers::open(directory.path()).expect("made");
        let room = Room { own: 2, all: 3 };
        let begin = |id, caller| {
            let begun = answers.begin(&key(id, caller, 10), 0, room);
            begun.expect("asked")
        };
        assert_eq!([begin(1, "a"), begin(2, "a")], [Noted::New, Noted::New]);
        assert_eq!([begin(3, "a"), begin(3, "b")], [Noted::NoRoom, Noted::New]);
        assert_eq!(
            [begin(4, "c"), begin(1, "a")],
            [Noted::NoRoom, before(None)]
        );
        let bytes = Room { own: 14, all: 20 };
        for (id, caller, body, fits) in [
            (1, "a", "0123456789", true),
            (2, "a", "0", false),
            (3, "b", "0123456", false),
            (3, "b", "012345", true),
        ] {
            let key = key(id, caller, 10);
            answers.finish(&key, &answer(body), bytes).expect("kept");
            let Noted::Before { answer: kept, .. } = answers.begin(&key, 1, room).expect("asked")
            else {
                panic!("it is there");
            };
            assert_eq!(kept.expect("answered").body.is_some(), fits, "{id} {body}");
        }
    }
}
