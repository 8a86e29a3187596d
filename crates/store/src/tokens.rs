//! Tokens: what is kept of them, which is not enough to make one.

use crate::{Result, Store};
use rusqlite::{Row, params};

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public part.
    pub id: String,
    /// SHA-256 of the whole token.
    pub hash: [u8; 32],
    /// What people call it.
    pub name: String,
    /// The role that it was made with, if any.
    pub role: Option<String>,
    /// Its scopes, separated by spaces.
    pub scopes: String,
    /// The networks that it may come from, separated by spaces; empty for all.
    pub networks: String,
    /// SHA-256 of the client certificate whose holder needs no token.
    pub certificate: Option<String>,
    /// For whom its holder acts; `None` for everybody.
    pub tenant: Option<String>,
    /// What the names of its holder's containers begin with.
    pub prefix: Option<String>,
    /// When it was made: seconds since 1970.
    pub created: i64,
    /// When it ends.
    pub expires: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

const COLUMNS: &str = "id, hash, name, role, scopes, networks, created, expires, revoked, tenant, prefix, \
     certificate";

fn record(row: &Row) -> rusqlite::Result<TokenRecord> {
    Ok(TokenRecord {
        id: row.get(0)?,
        hash: row.get(1)?,
        name: row.get(2)?,
        role: row.get(3)?,
        scopes: row.get(4)?,
        networks: row.get(5)?,
        created: row.get(6)?,
        expires: row.get(7)?,
        revoked: row.get(8)?,
        tenant: row.get(9)?,
        prefix: row.get(10)?,
        certificate: row.get(11)?,
    })
}

impl Store {
    /// Every token, revoked ones too, the oldest first.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        self.read(|reader| {
            let sql = format!("SELECT {COLUMNS} FROM token ORDER BY created, id");
            let mut ask = reader.prepare_cached(&sql)?;
            ask.query_map([], record)?.collect()
        })
    }

    /// Keeps a new token.
    pub fn add_token(&self, token: &TokenRecord) -> Result<()> {
        self.write(|writer| {
            let sql = format!(
                "INSERT INTO token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
            );
            writer.execute(
                &sql,
                params![
                    token.id,
                    token.hash,
                    token.name,
                    token.role,
                    token.scopes,
                    token.networks,
                    token.created,
                    token.expires,
                    token.revoked,
                    token.tenant,
                    token.prefix,
                    token.certificate
                ],
            )
        })
        .map(drop)
    }

    /// Ends a token for good, if it has not been. Whether there is one.
    pub fn revoke_token(&self, id: &str, now: i64) -> Result<bool> {
        self.write(|writer| {
            let sql = "UPDATE token SET revoked = coalesce(revoked, ?2) WHERE id = ?1";
            writer.execute(sql, params![id, now])
        })
        .map(|changed| changed > 0)
    }

    /// Gives a token that was not revoked another secret; the old one ends. Whether there is one.
    pub fn renew_token(&self, id: &str, hash: &[u8; 32]) -> Result<bool> {
        self.write(|writer| {
            let sql = "UPDATE token SET hash = ?2 WHERE id = ?1 AND revoked IS NULL";
            writer.execute(sql, params![id, hash])
        })
        .map(|changed| changed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_one_process_writes_another_sees_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("state");
        let (one, two) = (
            Store::open(&state).expect("made"),
            Store::open(&state).expect("opened"),
        );
        let token = TokenRecord {
            id: "a1".into(),
            hash: [7; 32],
            name: "ci".into(),
            role: None,
            scopes: "containers:read".into(),
            networks: String::new(),
            tenant: Some("class-7".into()),
            prefix: None,
            certificate: None,
            created: 5,
            expires: Some(9),
            revoked: None,
        };
        let versions = [&one, &two].map(|store| store.version().expect("a version"));
        one.add_token(&token).expect("added");
        assert!(one.add_token(&token).is_err(), "an ID is used once");
        for (store, before) in [&one, &two].into_iter().zip(versions) {
            assert_ne!(store.version().expect("a version"), before);
            assert_eq!(
                store.tokens().expect("a list"),
                std::slice::from_ref(&token)
            );
        }
        assert!(two.renew_token("a1", &[8; 32]).expect("renewed"));
        assert!(two.revoke_token("a1", 6).expect("revoked"));
        assert!(one.revoke_token("a1", 7).expect("revoked again"));
        assert!(!one.renew_token("a1", &[9; 32]).expect("asked"));
        assert!(!one.revoke_token("b2", 7).expect("asked"));
        let kept = &one.tokens().expect("a list")[0];
        assert_eq!((kept.hash, kept.revoked), ([8; 32], Some(6)));
        for entry in std::fs::read_dir(&state).expect("a directory") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{entry:?}");
        }
    }
}
