//! The keeper of tokens: who presents one is told who they are.

use super::secret::TokenText;
use super::{Auth, Fingerprint, Token};
use crate::{Caller, Error, Result, Who};
use podlane_store::Store;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

/// What a request presents to say who asks.
#[derive(Debug, Clone, Copy)]
pub enum Presented<'a> {
    /// Nothing.
    Nothing,
    /// A client certificate, checked by TLS.
    Certificate(Fingerprint),
    /// A text that should be a token.
    Token(&'a str),
    /// Something that can't be read; why, for people.
    Unreadable(&'static str),
}

/// All tokens. Those that other processes make or revoke it knows with the next request.
#[derive(Debug)]
pub struct Tokens {
    auth: Auth,
    directory: Option<PathBuf>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    store: Arc<Store>,
    version: i64,
    tokens: HashMap<String, (Token, [u8; 32])>,
}

impl Known {
    fn read(store: Arc<Store>) -> podlane_store::Result<Self> {
        // A change between the two is seen the next time.
        let version = store.version()?;
        let tokens = store.tokens()?.into_iter();
        let tokens = tokens.map(|record| (record.id.clone(), (Token::from(&record), record.hash)));
        Ok(Self {
            tokens: tokens.collect(),
            version,
            store,
        })
    }

    /// The same, or what others have made of it.
    fn fresh(self) -> podlane_store::Result<Self> {
        if self.store.version()? == self.version {
            return Ok(self);
        }
        Self::read(self.store)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
pub(super) fn unkept(error: podlane_store::Error) -> Error {
    Error::Unkept {
        message: "tokens can't be read or kept",
        reason: error.to_string(),
    }
}

impl Tokens {
    /// Those of a state directory.
    pub fn new(auth: Auth, directory: Option<PathBuf>) -> Self {
        Self {
            auth,
            directory,
            known: Mutex::default(),
        }
    }

    /// The database, made if it is missing. Blocks.
    pub(super) fn store(&self) -> Result<Arc<Store>> {
        let directory = self.directory.as_deref().ok_or(Error::Unkept {
            message: "tokens can't be kept",
            reason: "no place for them is known".into(),
        })?;
        self.with(Some(directory), |known| {
            Ok(known.map(|known| Arc::clone(&known.store)))
        })?
        .ok_or(Error::Internal {
            step: "opening the database",
            reason: "it is not open".into(),
        })
    }

    /// Looks at what is known now: nothing, if there is no database and none is to be made.
    fn with<T>(
        &self,
        make: Option<&Path>,
        look: impl FnOnce(Option<&Known>) -> Result<T>,
    ) -> Result<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What can't be read is asked for anew the next time, and what was known is not believed.
        let fresh = if let Some(old) = known.take() {
            old.fresh().map(Some)
        } else {
            let is_there = |directory: &&Path| Store::file(directory).exists();
            let there = self.directory.as_deref().filter(is_there);
            let open = |directory| Known::read(Store::open(directory).map(Arc::new)?);
            make.or(there).map(open).transpose()
        };
        *known = fresh.map_err(unkept)?;
        look(known.as_ref())
    }

    /// Whether a token is needed now.
    pub fn is_needed(&self) -> Result<bool> {
        match self.auth {
            Auth::Off => Ok(false),
            Auth::On => Ok(true),
            Auth::Auto => self.with(None, |known| {
                Ok(known.is_some_and(|known| !known.tokens.is_empty()))
            }),
        }
    }

    /// Every token, the oldest first.
    pub(super) fn all(&self) -> Result<Vec<Token>> {
        let mut all = self.with(None, |known| {
            let tokens = known.into_iter().flat_map(|known| known.tokens.values());
            Ok(tokens.map(|(token, _)| token.clone()).collect::<Vec<_>>())
        })?;
        all.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(all)
    }

    /// An error if who was known once would not be let in now.
    pub(crate) fn still_good(&self, who: &Who, peer: Option<IpAddr>) -> Result<()> {
        let Who::Token { id, .. } = who else {
            return if self.is_needed()? {
                Err(Error::Unidentified {
                    reason: "this server wants to know who asks",
                })
            } else {
                Ok(())
            };
        };
        let found = self.all()?.into_iter().find(|token| token.id == *id);
        let gone = Error::Unidentified {
            reason: "this token is not valid",
        };
        found.ok_or(gone)?.is_good(OffsetDateTime::now_utc(), peer)
    }

    /// Who presents this, from that address.
    pub fn identify(&self, presented: Presented, peer: Option<IpAddr>) -> Result<Caller> {
        if !self.is_needed()? {
            return Ok(Caller::anonymous());
        }
        let unknown = || Error::Unidentified {
            reason: "this token is not valid",
        };
        let nobody = || Error::Unidentified {
            reason: "this server wants to know who asks",
        };
        let token = match presented {
            Presented::Token(text) => {
                let text = TokenText::parse(text).ok_or_else(unknown)?;
                self.with(None, |known| {
                    let found = known.and_then(|known| known.tokens.get(text.id()));
                    let holds = |hash: &[u8; 32]| bool::from(hash[..].ct_eq(&text.hash()));
                    let (token, _) = found.filter(|(_, hash)| holds(hash)).ok_or_else(unknown)?;
                    Ok(token.clone())
                })?
            }
            Presented::Certificate(shown) => self.with(None, |known| {
                let mut tokens = known.into_iter().flat_map(|known| known.tokens.values());
                let mine = |(token, _): &&(Token, _)| {
                    token.certificate == Some(shown) && token.revoked.is_none()
                };
                let (token, _) = tokens.find(mine).ok_or_else(nobody)?;
                Ok(token.clone())
            })?,
            Presented::Unreadable(reason) => return Err(Error::Unidentified { reason }),
            Presented::Nothing => return Err(nobody()),
        };
        token.is_good(OffsetDateTime::now_utc(), peer)?;
        Ok(Caller::new(
            Who::Token {
                id: token.id,
                name: token.name,
            },
            token.scopes,
            token.bounds,
        ))
    }
}
