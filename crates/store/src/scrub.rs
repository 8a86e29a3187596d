//! What an earlier version has kept as it was: out of the file for good.
//!
//! A table `in_the_clear` has a row until that is done: a crash leaves it, and the next opening goes on.

use rusqlite::Connection;
use rusqlite::ffi::{self, SQLITE_BUSY};

/// Whether the file may have something left.
pub(crate) fn is_marked(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM in_the_clear)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Writes the file anew, without what was left of older rows, and empties the log of changes.
pub(crate) fn scrub(connection: &Connection) -> rusqlite::Result<()> {
    // Not into a file elsewhere.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute_batch("VACUUM")?;
    empty_log(connection)?;
    connection.execute("DELETE FROM in_the_clear", [])?;
    Ok(())
}

fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(SQLITE_BUSY),
            None,
        ));
    }
    Ok(())
}
