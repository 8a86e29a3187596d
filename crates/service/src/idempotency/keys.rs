//! All keys: those under way in this server, and those that are written down.

use super::{Claim, Claimed, KeptAnswer, KeyRules, Keyed, Repetition, blocking, now};
use crate::{Error, Inner, Result};
use hmac::{Hmac, KeyInit, Mac};
use podlane_store::{AnswerRecord, Answers, KeyRecord, Noted, Room};
use sha2::Sha256;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// How often old keys are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// How many times as much is kept of all callers as of one.
const CALLERS: i64 = 10;

type Hash = [u8; 32];

/// The keys of a state directory, once somebody has used one.
#[derive(Debug)]
pub(crate) struct Keys {
    directory: Option<PathBuf>,
    opened: OnceCell<Arc<Opened>>,
}

/// The same, open.
#[derive(Debug)]
pub(super) struct Opened {
    answers: Answers,
    secret: Secret,
    /// What is under way, by the key's ID, with its fingerprint.
    in_flight: Mutex<HashMap<Hash, Hash>>,
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
    let own = i64::try_from(own).unwrap_or(i64::MAX);
    Room {
        own,
        all: own.saturating_mul(CALLERS),
    }
}

fn unkept(reason: &dyn ToString) -> Error {
    Error::Unkept {
        message: "idempotency keys can't be read or kept, and without that the request is not done",
        reason: reason.to_string(),
    }
}

impl Keys {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            opened: OnceCell::new(),
        }
    }

    /// Opens the database, made if it is missing, and has what is old looked for while the server runs.
    pub(super) async fn open(&self, service: &Inner) -> Result<Arc<Opened>> {
        let opened = self.opened.get_or_try_init(|| async {
            let directory = self.directory.clone();
            let directory = directory.ok_or_else(|| unkept(&"no place for them is known"))?;
            let opened = blocking(move || Opened::open(&directory)).await??;
            let opened = Arc::new(opened);
            let sweeping = sweep(Arc::clone(&opened), service.stopping.clone());
            service.tasks.spawn(sweeping);
            Ok(opened)
        });
        opened.await.cloned()
    }

    /// The same if there is one: what an earlier server has kept goes in its time too.
    pub(crate) async fn look(&self, service: &Inner) {
        let is_there = |directory: &PathBuf| Answers::file(directory).exists();
        if self.directory.as_ref().is_some_and(is_there)
            && let Err(error) = self.open(service).await
        {
            tracing::warn!(%error, "idempotency keys can't be read");
        }
    }
}

/// Removes what is old for as long as the server runs.
async fn sweep(opened: Arc<Opened>, stopping: CancellationToken) {
    loop {
        let kept = Arc::clone(&opened);
        if let Ok(Err(error)) = blocking(move || kept.answers.sweep(now())).await {
            tracing::warn!(%error, "old idempotency keys stay");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = stopping.cancelled() => return,
        }
    }
}

impl Opened {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| unkept(&error))?;
        let answers = Answers::open(directory).map_err(|error| unkept(&error))?;
        let secret = answers.secret(&fresh).map_err(|error| unkept(&error))?;
        Ok(Self {
            answers,
            secret: Secret(secret),
            in_flight: Mutex::default(),
        })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Hash, Hash>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The keyed hash of parts, each with its length, so that nothing can move from one to the next.
    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> Hash {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.secret.0)
            .unwrap_or_else(|_| unreachable!("a key of any length will do"));
        for part in [purpose.as_bytes()].iter().chain(parts) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into_bytes().into()
    }

    /// Blocks.
    pub(super) fn claim(
        self: &Arc<Self>,
        caller: &str,
        request: &Keyed,
        rules: KeyRules,
    ) -> Result<Claimed> {
        let of = [caller, &request.operation, &request.key.0].map(str::as_bytes);
        let forms = request.forms.iter().map(AsRef::as_ref);
        let content: Vec<&[u8]> = forms.chain([request.content.as_ref()]).collect();
        let key = KeyRecord {
            id: self.hash("key", &of),
            fingerprint: self.hash("request", &content),
            caller: caller.to_owned(),
            expires: expires(rules),
        };
        let other = |fingerprint: &Hash| *fingerprint != key.fingerprint;
        let in_flight = {
            let mut under_way = self.under_way();
            if let Some(fingerprint) = under_way.get(&key.id) {
                return Err(Error::Repeated(if other(fingerprint) {
                    Repetition::Other
                } else {
                    Repetition::UnderWay
                }));
            }
            under_way.insert(key.id, key.fingerprint);
            InFlight {
                opened: Arc::clone(self),
                id: key.id,
            }
        };
        let noted = self.answers.begin(&key, now(), room(rules.keys));
        match noted.map_err(|error| unkept(&error))? {
            Noted::New => Ok(Claimed::Now(Claim {
                opened: Arc::clone(self),
                begun: Begun(key),
                rules,
                _in_flight: in_flight,
            })),
            Noted::Before { fingerprint, .. } if other(&fingerprint) => {
                Err(Error::Repeated(Repetition::Other))
            }
            Noted::Before { answer: None, .. } => Err(Error::Repeated(Repetition::Unknown)),
            Noted::Before {
                answer: Some(answer),
                ..
            } => kept(answer).map(Claimed::Before),
            Noted::NoRoom => Err(Error::Full {
                what: "idempotency keys of this caller, or ten times as many of all",
                limit: rules.keys,
                setting: "limits.idempotency_keys",
            }),
        }
    }

    pub(super) fn finish(
        &self,
        key: &KeyRecord,
        answer: &AnswerRecord,
        rules: KeyRules,
    ) -> podlane_store::Result<()> {
        self.answers.finish(key, answer, room(rules.bytes))
    }

    pub(super) fn forget(&self, begun: &Begun) -> podlane_store::Result<()> {
        self.answers.forget(&begun.0.id)
    }
}

fn kept(answer: AnswerRecord) -> Result<KeptAnswer> {
    let body = answer
        .body
        .ok_or(Error::Repeated(Repetition::Unkept(answer.status)))?;
    Ok(KeptAnswer {
        status: answer.status,
        failure: answer.failure,
        headers: serde_json::from_str(&answer.headers).map_err(|error| unkept(&error))?,
        body: Some(body.into()),
    })
}
