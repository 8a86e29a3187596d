//! Secrets that an earlier version has kept as they are: encrypted, and gone from the file.
//!
//! A crash at any point leaves a mark, and the next opening goes on.

use super::{COLUMNS, place, record};
use crate::scrub::scrub;
use crate::vault::Place;
use crate::{Error, Result, Secret, Vault};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::Path;

/// Leaves nothing in the clear.
pub(super) fn away(connection: &mut Connection, path: &Path, vault: &Vault) -> Result<()> {
    let database = |error| Error::Database {
        path: path.to_owned(),
        error,
    };
    let marked = connection
        .query_row("SELECT rows FROM in_the_clear", [], |row| row.get(0))
        .optional()
        .map_err(database)?;
    let Some(rows) = marked else {
        return Ok(());
    };
    if rows {
        encrypt(connection, path, vault)?;
    }
    scrub(connection).map_err(database)
}

/// Encrypts all rows, or none.
pub(super) fn encrypt(connection: &mut Connection, path: &Path, vault: &Vault) -> Result<()> {
    let database = |error| Error::Database {
        path: path.to_owned(),
        error,
    };
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let change = change.map_err(database)?;
    let read = || {
        // Another server may have done it meanwhile.
        let sql = "SELECT EXISTS (SELECT 1 FROM in_the_clear WHERE rows)";
        if !change.query_row(sql, [], |row| row.get(0))? {
            return Ok(Vec::new());
        }
        let mut ask = change.prepare(&format!("SELECT {COLUMNS} FROM webhook"))?;
        ask.query_map([], record)?.collect()
    };
    let rows: Vec<_> = read().map_err(database)?;
    for (webhook, secret) in rows {
        let secret = Secret::from(secret);
        let sealed = vault.seal(Place(&place(&webhook)), &secret, true)?;
        let sql = "UPDATE webhook SET secret = ?2 WHERE id = ?1";
        change
            .execute(sql, params![webhook.id, sealed])
            .map_err(database)?;
    }
    change
        .execute("UPDATE in_the_clear SET rows = 0", [])
        .and_then(|_| change.commit())
        .map_err(database)
}
