//! The audit: who changed what, and when, written down before it is done.
//!
//! One thread writes, many entries at a time if many come, so that a disk's pace is shared.

use crate::{Call, Caller, Error, Result, Scope, Service, Who};
use podlane_store::{AuditFilter, AuditLog, BEGINNING, NewAudit};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

/// How many entries may wait to be written.
const WAITING: usize = 1024;
/// How many are written at once.
const AT_ONCE: usize = 256;
/// How many entries are looked at at once.
const PART: usize = 1000;
/// The longest text of an entry, in bytes.
const LONGEST: usize = 2048;

/// An entry on its way, and who waits for it.
type Waiting = (NewAudit, oneshot::Sender<Result<(), String>>);

/// The audit of a state directory.
#[derive(Debug)]
pub struct Audit {
    directory: Option<PathBuf>,
    writer: Mutex<Option<mpsc::Sender<Waiting>>>,
}

/// What is written down of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// What was asked for.
    pub action: String,
    /// Of what.
    pub target: String,
    /// What exactly, as far as that is known.
    pub detail: Option<String>,
    /// How long it took, once it has.
    pub took: Option<Duration>,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1.
    pub number: i64,
    /// When it was written.
    pub at: OffsetDateTime,
    /// The request's ID.
    pub request: String,
    /// Who asked.
    pub caller: String,
    /// For what.
    pub action: String,
    /// About what.
    pub target: String,
    /// How it went; `begun` in the entry from before it was known.
    pub outcome: String,
    /// What exactly was asked for, where the target does not say it: a command, a path, names.
    pub detail: Option<String>,
    /// How long it took, in the entry from after it.
    pub took: Option<Duration>,
    /// The link to all entries before it, in hexadecimal digits.
    pub hash: String,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were looked at.
    pub entries: u64,
    /// The first one that does not follow from those before it; `None` if all do.
    pub broken_at: Option<i64>,
    /// The hash of the last entry that follows, in hexadecimal digits.
    pub hash: String,
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        let _never = write!(text, "{byte:02x}");
        text
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
fn unwritten(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "the audit can't be written, and what it does not know of is not done",
        reason: reason.to_string(),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of map_err"
)]
fn unread(reason: impl ToString) -> Error {
    Error::Unkept {
        message: "the audit can't be read",
        reason: reason.to_string(),
    }
}

fn short(mut text: String) -> String {
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

fn named(caller: &Caller) -> String {
    let mut name = match caller.who() {
        Who::Anonymous => "anonymous".to_owned(),
        Who::Server => "server".to_owned(),
        Who::Token { id, name } => format!("token {id} ({name})"),
    };
    if let Some(tenant) = &caller.bounds().tenant {
        name.push_str(" for ");
        name.push_str(tenant.as_str());
    }
    name
}

impl Audit {
    /// That of a state directory.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            writer: Mutex::default(),
        }
    }

    fn directory(&self) -> Result<&Path, &'static str> {
        self.directory.as_deref().ok_or("no place for it is known")
    }

    /// Writes an entry and waits until it is on the disk.
    async fn write(&self, entry: NewAudit) -> Result<()> {
        let (told, written) = oneshot::channel();
        let writer = self.writer()?;
        let sent = writer.send((entry, told)).await;
        sent.map_err(|_| unwritten("its writer has ended"))?;
        let written = written
            .await
            .map_err(|_| unwritten("its writer has ended"))?;
        written.map_err(unwritten)
    }

    /// The thread that writes; a new one if the last one could not.
    fn writer(&self) -> Result<mpsc::Sender<Waiting>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.as_ref().filter(|writer| !writer.is_closed()) {
            return Ok(writer.clone());
        }
        let directory = self.directory().map_err(unwritten)?.to_owned();
        let (sender, receiver) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || write_all(&directory, receiver))
            .map_err(unwritten)?;
        *writer = Some(sender.clone());
        Ok(sender)
    }

    /// Entries behind a place, the oldest first. Blocks.
    pub fn read(&self, after: i64, limit: usize, wanted: &AuditFilter) -> Result<Vec<AuditEntry>> {
        let log = AuditLog::open(self.directory().map_err(unread)?).map_err(unread)?;
        let records = log
            .read(after, limit.min(PART), wanted)
            .map_err(unread)?
            .into_iter();
        let entry = |record: podlane_store::AuditRecord| AuditEntry {
            number: record.number,
            at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(record.entry.at) * 1_000_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            request: record.entry.request,
            caller: record.entry.caller,
            action: record.entry.action,
            target: record.entry.target,
            outcome: record.entry.outcome,
            detail: record.entry.detail,
            took: record
                .entry
                .took
                .and_then(|took| Some(Duration::from_micros(u64::try_from(took).ok()?))),
            hash: hex(&record.hash),
        };
        Ok(records.map(entry).collect())
    }

    /// Follows the chain from its beginning. Blocks.
    pub fn verify(&self) -> Result<Verified> {
        let log = AuditLog::open(self.directory().map_err(unread)?).map_err(unread)?;
        let (mut number, mut hash) = (0, BEGINNING);
        let mut entries = 0;
        loop {
            let part = log
                .read(number, PART, &AuditFilter::default())
                .map_err(unread)?;
            if part.is_empty() {
                return Ok(Verified {
                    entries,
                    broken_at: None,
                    hash: hex(&hash),
                });
            }
            for record in part {
                let follows = record.number == number + 1
                    && record.hash == record.entry.hash(record.number, &hash);
                if !follows {
                    return Ok(Verified {
                        entries,
                        broken_at: Some(record.number),
                        hash: hex(&hash),
                    });
                }
                (number, hash) = (record.number, record.hash);
                entries += 1;
            }
        }
    }
}

/// Writes what comes, all that waits at once, until it can't or nobody is there any more.
fn write_all(directory: &Path, mut receiver: mpsc::Receiver<Waiting>) {
    let log = AuditLog::open(directory);
    while let Some(first) = receiver.blocking_recv() {
        let mut waiting = vec![first];
        while waiting.len() < AT_ONCE
            && let Ok(next) = receiver.try_recv()
        {
            waiting.push(next);
        }
        let (entries, told): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let written = match &log {
            Ok(log) => log.append(&entries).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let failed = written.is_err();
        for waiting in told {
            // Who has gone away needs no answer.
            let _gone = waiting.send(written.clone());
        }
        if failed {
            return;
        }
    }
}

impl Service {
    /// Whether what is asked for is written down.
    pub fn is_audited(&self) -> bool {
        self.0.limits.audit
    }

    /// Writes down that something is about to be done, or how it went.
    pub async fn write_down(&self, call: &Call, what: &Audited, outcome: &str) -> Result<()> {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let entry = NewAudit {
            at: i64::try_from(now).unwrap_or(i64::MAX),
            request: call.request_id.to_string(),
            caller: short(named(call.caller())),
            action: short(what.action.clone()),
            target: short(what.target.clone()),
            outcome: outcome.to_owned(),
            detail: what.detail.clone().map(short),
            took: what
                .took
                .map(|took| i64::try_from(took.as_micros()).unwrap_or(i64::MAX)),
        };
        self.0.audit.write(entry).await
    }

    /// Writes down how something went that nobody waits for any more.
    pub fn write_down_later(&self, call: Call, what: Audited, outcome: String) {
        let service = self.clone();
        self.0.tasks.spawn(async move {
            if let Err(error) = service.write_down(&call, &what, &outcome).await {
                tracing::error!(%error, "the end of a request is not in the audit");
            }
        });
    }

    /// Entries of the audit behind a place that a filter wants, the oldest first.
    pub async fn audit(
        &self,
        call: &Call,
        after: i64,
        limit: usize,
        wanted: AuditFilter,
    ) -> Result<Vec<AuditEntry>> {
        call.may(Scope::AuditRead)?;
        call.sees_all("the audit")?;
        let audit = Arc::clone(&self.0.audit);
        blocking(move || audit.read(after, limit, &wanted)).await
    }

    /// Whether the audit's chain holds.
    pub async fn verify_audit(&self, call: &Call) -> Result<Verified> {
        call.may(Scope::AuditRead)?;
        call.sees_all("the audit")?;
        let audit = Arc::clone(&self.0.audit);
        blocking(move || audit.verify()).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::Internal {
        step: "reading the audit",
        reason: error.to_string(),
    })?
}
