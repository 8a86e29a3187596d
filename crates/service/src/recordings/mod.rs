//! Recordings of terminals: what they showed, in files beside the server, where no container comes.
//!
//! What was typed is recorded only if asked for: it holds passwords, which a terminal does not show.

mod cast;
mod input;
mod recorder;
mod store;

pub(crate) use recorder::Recorder;
pub use store::Recording;

use crate::{Call, Error, NamePrefix, Result, Scope, Service, Tenant};
use podlane_engine::{ContainerId, ContainerRef, TerminalSize};
use recorder::Line;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc::SyncSender;

/// What is recorded, where, and how much of it is kept.
#[derive(Debug, Clone)]
pub struct RecordingRules {
    /// The directory of the files; made if it is not there.
    pub directory: PathBuf,
    /// Commands without a terminal too.
    pub all: bool,
    /// What is typed too.
    pub input: bool,
    /// Bytes of one recording.
    pub bytes: usize,
    /// Recordings kept; the oldest go.
    pub count: usize,
    /// Bytes of all recordings together; the oldest go.
    pub total: u64,
}

/// The recordings of a server.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    rules: Option<RecordingRules>,
    sender: OnceLock<SyncSender<Line>>,
}

impl Recordings {
    pub(crate) fn new(rules: Option<RecordingRules>) -> Self {
        Self {
            rules,
            sender: OnceLock::new(),
        }
    }

    async fn begin(
        &self,
        rules: &RecordingRules,
        title: String,
        tenant: Option<Tenant>,
        size: TerminalSize,
    ) -> Result<Recorder> {
        let failed = |error| unkept(rules, &error);
        let sender = if let Some(sender) = self.sender.get() {
            sender
        } else {
            let started = recorder::start().map_err(failed)?;
            // Of two that start one at once, the other's ends at once.
            self.sender.get_or_init(|| started)
        };
        let own = rules.clone();
        let file =
            tokio::task::spawn_blocking(move || store::create(&own, size, tenant.as_ref(), &title))
                .await;
        let file = file.map_err(std::io::Error::other).and_then(|file| file);
        let file = file.map_err(failed)?;
        Ok(Recorder::new(file, sender.clone(), rules))
    }
}

impl Service {
    /// Begins to record a command, if such ones are recorded; of its words only the program is named,
    /// because people put secrets into arguments. One that can't be recorded is not run:
    /// who asks for recordings wants them without a gap.
    pub(crate) async fn record(
        &self,
        call: &Call,
        (id, name): (&ContainerId, &ContainerRef),
        program: &str,
        terminal: Option<TerminalSize>,
    ) -> Result<Option<Recorder>> {
        let rules = self.0.recordings.rules.as_ref();
        let Some(rules) = rules.filter(|rules| rules.all || terminal.is_some()) else {
            return Ok(None);
        };
        let program: String = program
            .chars()
            .map(|c| match c {
                '"' | '\\' => '?',
                c if c.is_control() => '?',
                c => c,
            })
            .take(255)
            .collect();
        let title = format!("{name}: {program}");
        let tenant = self.owner(call, id).await?;
        let size = terminal.unwrap_or(TerminalSize::USUAL);
        let begun = self.0.recordings.begin(rules, title, tenant, size);
        begun.await.map(Some)
    }

    /// The recordings that are kept, the newest first; none where nothing is recorded.
    pub async fn recordings(&self, call: &Call) -> Result<Vec<Recording>> {
        call.may(Scope::RecordingsRead)?;
        match self.0.recordings.rules.clone() {
            None => Ok(Vec::new()),
            Some(rules) => {
                let mut all = blocking(move || store::list(&rules.directory)).await?;
                all.retain(|recording| owns(call, recording));
                Ok(all)
            }
        }
    }

    /// A recording's file; `None` if there is none of that name.
    pub async fn recording(&self, call: &Call, id: &str) -> Result<Option<tokio::fs::File>> {
        call.may(Scope::RecordingsRead)?;
        let Some(path) = self.path_of(call, id).await? else {
            return Ok(None);
        };
        let opened = blocking(move || store::found(std::fs::File::open(path))).await?;
        Ok(opened.map(tokio::fs::File::from_std))
    }

    /// Removes a recording; whether there was one.
    pub async fn remove_recording(&self, call: &Call, id: &str) -> Result<bool> {
        call.may(Scope::RecordingsWrite)?;
        let Some(path) = self.path_of(call, id).await? else {
            return Ok(false);
        };
        let removed = blocking(move || store::found(std::fs::remove_file(path))).await?;
        Ok(removed.is_some())
    }

    /// The file of one that is the caller's to see.
    async fn path_of(&self, call: &Call, id: &str) -> Result<Option<PathBuf>> {
        let Some(rules) = &self.0.recordings.rules else {
            return Ok(None);
        };
        let path = store::path(&rules.directory, id);
        if call.sees_all("all recordings").is_ok() {
            return Ok(path);
        }
        let own = self.recordings(call).await?;
        Ok(path.filter(|_| own.iter().any(|recording| recording.id == id)))
    }
}

impl RecordingRules {
    /// Whether recordings can be kept: writes to the directory. If it is not there, it is made, or with
    /// `look` nothing is done. Blocks.
    pub fn check(&self, look: bool) -> Result<()> {
        store::probe(&self.directory, look).map_err(|error| unkept(self, &error))
    }
}

fn unkept(rules: &RecordingRules, error: &std::io::Error) -> Error {
    let message = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "what is to be recorded can't be run: there is no space for recordings"
        }
        _ => "what is to be recorded can't be run: the directory of recordings can't be written",
    };
    let reason = format!("{}: {error}", rules.directory.display());
    Error::Unkept { message, reason }
}

/// Whether a recording is the caller's to see. Its title begins with the container, as it was called: by an
/// ID perhaps, which begins with no name.
fn owns(call: &Call, recording: &Recording) -> bool {
    let container = recording.title.split(':').next().unwrap_or_default();
    let is_id = container.bytes().all(|b| b.is_ascii_hexdigit());
    let begins = |prefix: &NamePrefix| !is_id && container.starts_with(prefix.as_str());
    (call.tenant().is_none() || recording.tenant.as_ref() == call.tenant())
        && call.prefix().is_none_or(begins)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(std::io::Error::other)
        .and_then(|done| done)
        .map_err(|error| Error::Internal {
            step: "looking at the recordings",
            reason: error.to_string(),
        })
}
