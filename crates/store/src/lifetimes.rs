//! How long containers live: who keeps their time, and what was given to them after they were made. The rest
//! stands in their labels.

use crate::{Result, Store};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// The name under which this database's server keeps time, if it has one yet.
    pub fn keeper(&self) -> Result<Option<String>> {
        self.read(|reader| {
            let mut ask = reader.prepare_cached("SELECT id FROM keeper")?;
            ask.query_row([], |row| row.get(0)).optional()
        })
    }

    /// The same; `new`, if it has none.
    pub fn keeper_or(&self, new: &str) -> Result<String> {
        self.write(|writer| {
            let sql = "INSERT INTO keeper SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM keeper)";
            writer.execute(sql, [new])?;
            writer.query_row("SELECT id FROM keeper", [], |row| row.get(0))
        })
    }

    /// When a container expires, in milliseconds since 1970, if that was changed after it was made.
    pub fn extension(&self, container: &str) -> Result<Option<i64>> {
        self.read(|reader| {
            let sql = "SELECT expires FROM extension WHERE container = ?1";
            let mut ask = reader.prepare_cached(sql)?;
            ask.query_row([container], |row| row.get(0)).optional()
        })
    }

    /// Keeps when a container expires, and when it would have to at the latest.
    pub fn extend(&self, container: &str, expires: i64, latest: i64) -> Result<()> {
        self.write(|writer| {
            let sql = "INSERT INTO extension (container, expires, latest) VALUES (?1, ?2, ?3)
                ON CONFLICT (container) DO UPDATE SET expires = ?2, latest = ?3";
            writer.execute(sql, params![container, expires, latest])
        })
        .map(drop)
    }

    /// Forgets those of containers that had to expire before a time.
    pub fn forget_extensions(&self, before: i64) -> Result<()> {
        self.write(|writer| writer.execute("DELETE FROM extension WHERE latest < ?1", [before]))
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_and_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("made");
        assert_eq!(store.keeper().expect("read"), None);
        assert_eq!(store.keeper_or("a").expect("written"), "a");
        assert_eq!(store.keeper_or("b").expect("read"), "a");
        store.extend("one", 10, 50).expect("written");
        store.extend("one", 20, 50).expect("written");
        store.extend("two", 15, 49).expect("written");
        drop(store);
        let store = Store::open(directory.path()).expect("opened");
        assert_eq!(store.keeper().expect("read").as_deref(), Some("a"));
        assert_eq!(store.extension("one").expect("read"), Some(20));
        store.forget_extensions(50).expect("written");
        assert_eq!(store.extension("one").expect("read"), Some(20));
        assert_eq!(store.extension("two").expect("read"), None);
    }
}
