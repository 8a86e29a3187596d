//! Requests that are done once, however often they are sent with the same key.
//!
//! A key is written down before its request is begun, and its answer after. So a key that has no answer, of which
//! this server knows nothing either, was begun by one that died: what became of it nobody can say, and it is
//! not done again. Which request it was is written with the answer: its content is hashed as it is read, and a
//! repetition's content is read as far and compared.

mod content;
mod held;
mod keys;
mod seen;
#[cfg(test)]
mod tests;

pub(crate) use keys::Keys;
pub use seen::{Before, Seen};

use crate::{Call, Result, Service, Who};
use bytes::Bytes;
use held::Hold;
use keys::{Begun, InFlight, Opened};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::task::JoinHandle;

/// How long and how many keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRules {
    /// How long a key stands for its request.
    pub retention: Duration,
    /// Keys of one caller; ten times as many of all together.
    pub keys: usize,
    /// Bytes of the answers to one caller; ten times as many to all together.
    pub bytes: usize,
}

/// What a caller calls one request, however often it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest, in bytes.
    pub const LONGEST: usize = 255;

    /// 1 to 255 visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let good = (1..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// A request with a key.
#[derive(Debug)]
pub struct Keyed {
    /// The key.
    pub key: IdempotencyKey,
    /// What it is asked for: a key of one operation says nothing of another one.
    pub operation: String,
    /// How its content and its answer are written.
    pub forms: Vec<Bytes>,
}

/// An answer that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Whether its body is an error that is still to be written.
    pub failure: bool,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// What follows its body.
    pub trailers: Vec<(String, String)>,
    /// Its body; `None` if it is not to be kept.
    pub body: Option<Bytes>,
}

impl std::fmt::Debug for KeptAnswer {
    /// Its headers and its body may be somebody's secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptAnswer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why a request with a key has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Repetition {
    /// The key stands for another request.
    #[error(
        "this key has been used for another request: with other content, or another Content-Type or Accept"
    )]
    Other,
    /// The first request is under way.
    #[error("the first request with this key is still under way")]
    UnderWay,
    /// Nobody knows what became of the first request.
    #[error(
        "a request with this key was begun, and its server ended before it was answered: what became of it is not known"
    )]
    Unknown,
    /// The first request was answered, and its answer can't be given again.
    #[error(
        "the request with this key was answered with status {0}, and that answer can't be given again: it was too large, a stream that was cut, or kept with another secret key"
    )]
    Unkept(u16),
}

/// What is to be done about a request with a key.
#[derive(Debug)]
pub enum Claimed {
    /// A request with this key was done.
    Before(Before),
    /// It is to be done now.
    Now(Claim),
}

/// The right to do a request, and the duty to say how it was answered. If nobody does, what became of it is unknown.
#[derive(Debug)]
pub struct Claim {
    opened: Arc<Opened>,
    begun: Begun,
    seen: Seen,
    hold: Hold,
    rules: KeyRules,
    _in_flight: InFlight,
}

impl Claim {
    /// What has come of its content so far, to be told of what passes.
    pub fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Whether so much more of the answer may be held in memory until it is kept: not more than may be kept.
    pub fn may_hold(&mut self, bytes: usize) -> bool {
        self.hold.more(bytes, self.rules.bytes)
    }

    /// Nothing of the answer is held any more.
    pub fn hold_nothing(&mut self) {
        self.hold.nothing();
    }

    /// Keeps the answer, for whoever sends the request again.
    pub async fn keep(self, answer: KeptAnswer) {
        let request = self.seen.record();
        self.put("kept", move |claim| {
            let Self { opened, begun, .. } = claim;
            opened.finish(begun, &request, &answer, claim.rules)
        })
        .await;
    }

    /// Gives the key back, because nothing was done.
    pub async fn release(self) {
        self.put("given back", |claim| claim.opened.forget(&claim.begun))
            .await;
    }

    /// Does something that waits for the disk. If that fails, the key stays begun, and the request is not done again.
    async fn put(
        self,
        what: &'static str,
        work: impl FnOnce(&Self) -> Result<(), String> + Send + 'static,
    ) {
        let done = tokio::task::spawn_blocking(move || work(&self)).await;
        let failed = match done {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(error) => error.to_string(),
        };
        tracing::error!(error = failed, "an idempotency key was not {what}");
    }
}

impl Service {
    /// Claims the right to do a request with a key, or finds its answer. It gives nobody anything: the operation
    /// itself asks for its scope.
    pub async fn claim(&self, call: &Call, request: Keyed) -> Result<Claimed> {
        let (service, caller) = (self.clone(), caller(call));
        self.on_disk(move || {
            let opened = service.0.keys.open(&service)?;
            opened.claim(&caller, &request, service.0.limits.idempotency)
        })
        .await
    }

    /// Has keys that an earlier server kept forgotten in their time.
    pub(crate) async fn look_for_keys(&self) {
        let service = self.clone();
        let looked = self.on_disk(move || service.0.keys.look(&service));
        if let Err(error) = looked.await {
            tracing::warn!(%error, "idempotency keys can't be read");
        }
    }

    /// Keeps an answer, for whoever sends the request again, although nobody may wait for that.
    pub fn keep_later(&self, claim: Claim, answer: KeptAnswer) -> JoinHandle<()> {
        self.0.tasks.spawn(claim.keep(answer))
    }

    /// Does a request with a key to its end, although nobody may wait for it any more: its answer is kept.
    pub async fn do_once<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        self.to_the_end(async { Ok(work.await) }).await
    }
}

/// Who asks: a token whatever its text is by now, for a tenant.
fn caller(call: &Call) -> String {
    let caller = call.caller();
    let mut text = match caller.who() {
        Who::Token { id, .. } => format!("token {id}"),
        Who::Anonymous => "anonymous".to_owned(),
        Who::Server => "server".to_owned(),
    };
    if let Some(tenant) = &caller.bounds().tenant {
        text.push_str(" for ");
        text.push_str(tenant.as_str());
    }
    text
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
