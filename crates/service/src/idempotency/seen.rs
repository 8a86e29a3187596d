//! Which request it is: known by a keyed hash of what has come of it, taken as it passes. Nothing is held.

use super::{KeptAnswer, Repetition, content};
use crate::{Error, Result};
use hmac::{Hmac, Mac};
use podlane_store::{AnswerRecord, RequestRecord};
use sha2::Sha256;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What has come of a request's content so far.
#[derive(Clone)]
pub struct Seen(Arc<Mutex<State>>);

struct State {
    hash: Hmac<Sha256>,
    length: u64,
    ended: bool,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seen")
    }
}

impl Seen {
    /// `hash` has how the content is written already.
    pub(super) fn new(hash: Hmac<Sha256>) -> Self {
        let (length, ended) = (0, false);
        Self(Arc::new(Mutex::new(State {
            hash,
            length,
            ended,
        })))
    }

    /// A piece has passed.
    pub fn piece(&self, piece: &[u8]) {
        let mut state = self.state();
        state.hash.update(piece);
        state.length += piece.len() as u64;
    }

    /// There is no more.
    pub fn end(&self) {
        self.state().ended = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self) -> RequestRecord {
        let state = self.state();
        RequestRecord {
            fingerprint: state.hash.clone().finalize().into_bytes().into(),
            length: state.length,
            whole: state.ended,
        }
    }
}

/// A request that has been answered. A repetition must have the same content, as far as that was read.
#[derive(Debug)]
pub struct Before {
    first: RequestRecord,
    answer: AnswerRecord,
    seen: Seen,
    length: u64,
    ended: bool,
}

impl Before {
    /// An error if nothing can be compared.
    pub(super) fn new(answer: AnswerRecord, seen: Seen) -> Result<Self> {
        let lost = Error::Repeated(Repetition::Unkept(answer.status));
        let first = answer.request.clone().ok_or(lost)?;
        let (length, ended) = (0, false);
        Ok(Self {
            first,
            answer,
            seen,
            length,
            ended,
        })
    }

    /// Whether more of the repetition's content is needed.
    pub fn wants_more(&self) -> bool {
        let left = if self.first.whole {
            self.length <= self.first.length
        } else {
            self.length < self.first.length
        };
        left && !self.ended
    }

    /// A piece of the repetition's content.
    pub fn piece(&mut self, piece: &[u8]) {
        let left = self.first.length.saturating_sub(self.length);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        self.seen.piece(&piece[..piece.len().min(left)]);
        self.length += piece.len() as u64;
    }

    /// There is no more of it.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The answer, if it is the same request.
    pub fn answer(self) -> Result<KeptAnswer> {
        let seen = self.seen.record();
        let ends_alike = !self.first.whole || (self.ended && self.length == self.first.length);
        if seen.fingerprint != self.first.fingerprint
            || seen.length != self.first.length
            || !ends_alike
        {
            return Err(Error::Repeated(Repetition::Other));
        }
        content::read(&self.answer)
    }
}
