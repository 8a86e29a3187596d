//! All keys: those under way in this server, and those that are written down.

use super::content::written;
use super::held::{Held, Hold};
use super::{Before, Claim, Claimed, KeptAnswer, KeyRules, Keyed, Repetition, Seen, now};
use crate::at_need::{AtNeed, Place};
use crate::{Error, Result, Service};
use hmac::{Hmac, KeyInit, Mac};
use podlane_store::{Answers, KeyRecord, Noted, RequestRecord, Room, Vault};
use sha2::Sha256;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often old keys are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// How many times as much is kept of all callers as of one.
pub(super) const CALLERS: usize = 10;

type Hash = [u8; 32];

/// The keys of a state directory, once somebody has used one.
#[derive(Debug)]
pub(crate) struct Keys(AtNeed<Opened>);

/// The same, open.
#[derive(Debug)]
pub(super) struct Opened {
    answers: Arc<Answers>,
    secret: Secret,
    /// What is under way, by the key's ID.
    in_flight: Mutex<HashSet<Hash>>,
    held: Held,
}

/// The key of the hashes: what is hashed may be a password, which could else be guessed from its hash alone.
struct Secret(Hash);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A key that was written down.
#[derive(Debug)]
pub(super) struct Begun(KeyRecord);

impl Begun {
    /// The same, kept for as long as the rules say from now on.
    pub(super) fn until(&self, rules: KeyRules) -> KeyRecord {
        KeyRecord {
            expires: expires(rules),
            ..self.0.clone()
        }
    }
}

/// Is under way for as long as it lives.
#[derive(Debug)]
pub(super) struct InFlight {
    opened: Arc<Opened>,
    id: Hash,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.opened.under_way().remove(&self.id);
    }
}

fn expires(rules: KeyRules) -> i64 {
    let seconds = i64::try_from(rules.retention.as_secs()).unwrap_or(i64::MAX);
    now().saturating_add(seconds)
}

fn room(own: usize) -> Room {
    let bound = |most| i64::try_from(most).unwrap_or(i64::MAX);
    Room {
        own: bound(own),
        all: bound(own.saturating_mul(CALLERS)),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
pub(super) fn unkept(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "idempotency keys can't be read or kept, and without that the request is not done",
        reason: reason.to_string(),
    }
}

impl Keys {
    pub(crate) fn new(place: Option<Place>) -> Self {
        Self(AtNeed::new(place))
    }

    /// The database, made if it is missing; what is old is looked for while the server runs. Blocks.
    pub(super) fn open(&self, service: &Service) -> Result<Arc<Opened>> {
        let opened = self.0.get(|directory, vault| {
            let opened = Opened::open(directory, vault)?;
            let sweeping = sweep(Arc::clone(&opened.answers), service.0.stopping.clone());
            service.0.tasks.spawn(sweeping);
            Ok(opened)
        })?;
        opened.ok_or_else(|| unkept("no place for them is known"))
    }

    /// The same if there is one: what an earlier server has kept goes in its time too. Blocks.
    pub(super) fn look(&self, service: &Service) -> Result<()> {
        if self.0.is_there(Answers::file) {
            self.open(service)?;
        }
        Ok(())
    }
}

/// Removes what is old for as long as the server runs.
async fn sweep(answers: Arc<Answers>, stopping: CancellationToken) {
    loop {
        let kept = Arc::clone(&answers);
        let swept = tokio::task::spawn_blocking(move || kept.sweep(now()));
        if let Ok(Err(error)) = swept.await {
            tracing::warn!(%error, "old idempotency keys stay");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = stopping.cancelled() => return,
        }
    }
}

impl Opened {
    pub(super) fn open(directory: &Path, vault: Arc<Vault>) -> Result<Self> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(unkept)?;
        let answers = Answers::open(directory, vault).map_err(unkept)?;
        let secret = answers.secret(&fresh).map_err(unkept)?;
        Ok(Self {
            answers: Arc::new(answers),
            secret: Secret(secret),
            in_flight: Mutex::default(),
            held: Held::default(),
        })
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<Hash>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The keyed hash of parts, each with its length, so that nothing can move from one to the next. More may follow.
    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.secret.0)
            .unwrap_or_else(|_| unreachable!("a key of any length will do"));
        for part in [purpose.as_bytes()].iter().chain(parts) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash
    }

    /// Blocks.
    pub(super) fn claim(
        self: &Arc<Self>,
        caller: &str,
        request: &Keyed,
        rules: KeyRules,
    ) -> Result<Claimed> {
        let of = [caller, &request.operation, &request.key.0].map(str::as_bytes);
        let key = KeyRecord {
            id: self.hash("key", &of).finalize().into_bytes().into(),
            caller: caller.to_owned(),
            expires: expires(rules),
        };
        let forms: Vec<&[u8]> = request.forms.iter().map(AsRef::as_ref).collect();
        let seen = Seen::new(self.hash("request", &forms));
        if !self.under_way().insert(key.id) {
            return Err(Error::Repeated(Repetition::UnderWay));
        }
        let in_flight = InFlight {
            opened: Arc::clone(self),
            id: key.id,
        };
        let noted = self.answers.begin(&key, now(), room(rules.keys));
        match noted.map_err(unkept)? {
            Noted::New => Ok(Claimed::Now(Claim {
                opened: Arc::clone(self),
                hold: Hold::new(self, caller),
                begun: Begun(key),
                seen,
                rules,
                _in_flight: in_flight,
            })),
            Noted::Begun => Err(Error::Repeated(Repetition::Unknown)),
            Noted::Answered(answer) => Before::new(answer, seen).map(Claimed::Before),
            Noted::NoRoom => Err(Error::Full {
                what: "idempotency keys of this caller, or ten times as many of all",
                limit: rules.keys,
                setting: "limits.idempotency_keys",
            }),
        }
    }

    /// Keeps an answer. Blocks.
    pub(super) fn finish(
        &self,
        begun: &Begun,
        request: &RequestRecord,
        answer: &KeptAnswer,
        rules: KeyRules,
    ) -> Result<(), String> {
        let (key, bytes) = (begun.until(rules), room(rules.bytes));
        let content = written(answer).map_err(|error| error.to_string())?;
        let kept = self
            .answers
            .finish(&key, request, answer.status, content.as_ref(), bytes);
        kept.map_err(|error| error.to_string())
    }

    /// Forgets a key. Blocks.
    pub(super) fn forget(&self, begun: &Begun) -> Result<(), String> {
        let forgotten = self.answers.forget(&begun.0.id);
        forgotten.map_err(|error| error.to_string())
    }
}
