//! The tables, and how an older database becomes a newer one: `user_version` says how many of the steps it
//! has made.

use crate::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Each step once and for ever as it was released.
pub(crate) const MAIN: [&str; 4] = [
    "
    CREATE TABLE token (
        id TEXT PRIMARY KEY,
        hash BLOB NOT NULL,
        name TEXT NOT NULL,
        role TEXT,
        scopes TEXT NOT NULL,
        networks TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER,
        revoked INTEGER
    ) STRICT;
",
    "
    ALTER TABLE token ADD COLUMN tenant TEXT;
    ALTER TABLE token ADD COLUMN prefix TEXT;
",
    "ALTER TABLE token ADD COLUMN certificate TEXT;",
    "
    CREATE TABLE keeper (id TEXT NOT NULL) STRICT;
    CREATE TABLE extension (
        container TEXT PRIMARY KEY,
        expires INTEGER NOT NULL,
        latest INTEGER NOT NULL
    ) STRICT;
",
];

/// The same for the audit's own database.
pub(crate) const AUDIT: [&str; 2] = [
    "
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        request TEXT NOT NULL,
        caller TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        outcome TEXT NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
",
    "
    ALTER TABLE audit ADD COLUMN detail TEXT;
    ALTER TABLE audit ADD COLUMN took INTEGER;
",
];

/// The same for the database of answers.
pub(crate) const ANSWERS: [&str; 3] = [
    "
    CREATE TABLE secret (value BLOB NOT NULL) STRICT;
    CREATE TABLE answer (
        id BLOB PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        caller TEXT NOT NULL,
        expires INTEGER NOT NULL,
        status INTEGER,
        failure INTEGER,
        headers TEXT,
        body BLOB,
        size INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX answer_expires ON answer (expires);
    CREATE INDEX answer_caller ON answer (caller, size);
",
    // Answers that were kept as they are go, their statuses stay; the mark says until it is removed that the file
    // may have what was left of them.
    "
    CREATE TABLE kept (
        id BLOB PRIMARY KEY,
        fingerprint BLOB,
        caller TEXT NOT NULL,
        expires INTEGER NOT NULL,
        status INTEGER,
        sealed BLOB,
        size INTEGER NOT NULL
    ) STRICT;
    INSERT INTO kept SELECT id, fingerprint, caller, expires, status, NULL, 0 FROM answer;
    DROP TABLE answer;
    ALTER TABLE kept RENAME TO answer;
    CREATE INDEX answer_expires ON answer (expires);
    CREATE INDEX answer_caller ON answer (caller, size);
    CREATE TABLE in_the_clear (rows INTEGER NOT NULL) STRICT;
    INSERT INTO in_the_clear VALUES (0);
",
    // A fingerprint is of what was read of a request, and written with its answer. Earlier ones were of all of it.
    "
    UPDATE answer SET fingerprint = NULL;
    ALTER TABLE answer ADD COLUMN length INTEGER;
    ALTER TABLE answer ADD COLUMN whole INTEGER;
",
];

/// The same for webhooks and what they are to be told, which are written with every event.
pub(crate) const WEBHOOKS: [&str; 2] = [
    "
    CREATE TABLE webhook (
        id TEXT PRIMARY KEY,
        url TEXT NOT NULL,
        events TEXT NOT NULL,
        name_prefix TEXT,
        labels TEXT NOT NULL,
        secret BLOB NOT NULL,
        tenant TEXT,
        prefix TEXT,
        enabled INTEGER NOT NULL,
        reason TEXT,
        since INTEGER NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        created INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next INTEGER,
        last INTEGER,
        status INTEGER,
        error TEXT,
        UNIQUE (webhook, id)
    ) STRICT;
    CREATE INDEX delivery_next ON delivery (webhook, state, next);
    CREATE INDEX delivery_due ON delivery (state, next);
    CREATE TABLE place (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE health (
        container TEXT PRIMARY KEY,
        status TEXT NOT NULL
    ) STRICT;
",
    // Says until it is removed that the file has secrets as they are, in rows or in what was left of older ones.
    "
    CREATE TABLE in_the_clear (rows INTEGER NOT NULL) STRICT;
    INSERT INTO in_the_clear VALUES (1);
",
];

/// The same for registries.
pub(crate) const REGISTRIES: [&str; 1] = ["
    CREATE TABLE registry (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        host TEXT NOT NULL,
        username TEXT,
        secret BLOB NOT NULL,
        created INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (tenant, name)
    ) STRICT;
"];

pub(crate) fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let made = make(connection, steps, known).map_err(|error| Error::Database {
        path: path.to_owned(),
        error,
    })?;
    match made {
        Some(found) => Err(Error::TooNew {
            path: path.to_owned(),
            found,
            known,
        }),
        None => Ok(()),
    }
}

/// Makes the steps that are missing, all or none; its version, if that is unknown here.
fn make(connection: &mut Connection, steps: &[&str], known: i64) -> rusqlite::Result<Option<i64>> {
    // Two processes may be at it at the same time.
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Ok(done) = usize::try_from(found) else {
        return Ok(Some(found));
    };
    if done > steps.len() {
        return Ok(Some(found));
    }
    for step in &steps[done..] {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", known)?;
    change.commit()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    #[test]
    fn a_later_versions_database_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        drop(Store::open(directory.path()).expect("made"));
        drop(Store::open(directory.path()).expect("opened again"));
        let path = Store::file(directory.path());
        let connection = Connection::open(&path).expect("opened");
        connection
            .pragma_update(None, "user_version", 99)
            .expect("written");
        let refused = Store::open(directory.path()).expect_err("too new");
        assert!(matches!(refused, Error::TooNew { found: 99, .. }));
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .expect("read");
        assert_eq!(version, 99);
    }
}
