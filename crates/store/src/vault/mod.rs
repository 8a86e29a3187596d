//! Secrets, encrypted before they are written: XChaCha20-Poly1305 with a key in a file of its own.
//!
//! What is encrypted is bound to its place, so that a row that was moved to another name or host can't be read there.
//! It begins with the form's number and with what tells the key, so that a wrong key is told from a changed row.

mod key;

use crate::{Error, Result};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use key::Key;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The only form so far.
const FORM: u8 = 1;
/// How much of the key's hash tells it.
const MARK: usize = 8;
const NONCE: usize = 24;
const HEAD: usize = 1 + MARK + NONCE;

/// What nobody is to be shown. Its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where something encrypted belongs: a table, and what tells the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a>(pub(crate) &'a [&'a str]);

impl Place<'_> {
    /// Each part with its length before it, so that no two places are one.
    fn bytes(self) -> Vec<u8> {
        let part = |part: &&str| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat();
        self.0.iter().flat_map(part).collect()
    }
}

/// Encrypts and decrypts. The key is read when it is needed first.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
    /// Whether a key that is not there may be made.
    own: bool,
    key: Mutex<Option<Arc<Key>>>,
}

impl Vault {
    /// The file of a state directory's own key.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("secret.key")
    }

    /// By the key in `given`, or else by the state directory's own, which is made when it is needed.
    pub fn new(directory: &Path, given: Option<PathBuf>) -> Self {
        Self {
            own: given.is_none(),
            path: given.unwrap_or_else(|| Self::file(directory)),
            key: Mutex::default(),
        }
    }

    /// An error if there is a key that can't be used, or none where one was given.
    pub fn check(&self) -> Result<()> {
        if self.own && !self.path.exists() {
            return Ok(());
        }
        self.key(false).map(drop)
    }

    /// Has the key at hand for what must not fail later; one is made if there is none and `first` says that nothing
    /// needs one that is gone.
    pub(crate) fn prepare(&self, first: impl FnOnce() -> Result<bool>) -> Result<()> {
        let make = self.own && !self.path.exists() && first()?;
        self.key(make).map(drop)
    }

    fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Key {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    /// The key. Once it is known it stays: a file that changes under a running server is of no effect.
    fn key(&self, make: bool) -> Result<Arc<Key>> {
        let mut known = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*known {
            return Ok(Arc::clone(key));
        }
        let read = key::read(&self.path).map_err(|reason| self.wrong(reason))?;
        let key = match read {
            Some(key) => key,
            None if self.own && make => key::make(&self.path).map_err(|why| self.wrong(why))?,
            None => {
                return Err(self.wrong("the key of what is encrypted here is not there"));
            }
        };
        let key = Arc::new(key);
        *known = Some(Arc::clone(&key));
        Ok(key)
    }

    /// Encrypts a secret for a place. `first` says that nothing is encrypted yet: only then a key is made, because
    /// what another one has encrypted could not be read any more.
    pub(crate) fn seal(&self, place: Place, secret: &Secret, first: bool) -> Result<Vec<u8>> {
        let key = self.key(first)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| self.wrong(error.to_string()))?;
        let payload = Payload {
            msg: secret.bytes(),
            aad: &place.bytes(),
        };
        let sealed = cipher(&key).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| self.wrong("it is too long to be encrypted"))?;
        Ok([&[FORM][..], &key.mark()[..MARK], &nonce, &sealed].concat())
    }

    /// Decrypts what was encrypted for a place.
    pub(crate) fn open(&self, place: Place, sealed: &[u8]) -> Result<Secret> {
        let key = self.key(false)?;
        let broken = || Error::Broken {
            what: "it was changed, or written for another place",
        };
        let (head, text) = sealed.split_at_checked(HEAD).ok_or_else(broken)?;
        let (form, rest) = head.split_at(1);
        let (mark, nonce) = rest.split_at(MARK);
        if form != [FORM] {
            return Err(Error::Broken {
                what: "it has a form that is not known",
            });
        }
        if *mark != key.mark()[..MARK] {
            return Err(Error::Broken {
                what: "it was encrypted with another key",
            });
        }
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| broken())?;
        let payload = Payload {
            msg: text,
            aad: &place.bytes(),
        };
        let opened = cipher(&key).decrypt(&XNonce::from(nonce), payload);
        opened.map(Secret::from).map_err(|_| broken())
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

#[cfg(test)]
mod tests;
