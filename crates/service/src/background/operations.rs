//! What can be done with background commands.

use super::entry::{About, Entry, Progress, Stdin};
use super::reader::{OutputReader, blocking};
use super::registry::Registry;
use super::ring::Ring;
use super::store::{self, Store};
use super::{Background, ExecId, Filter, RemovedExec, StdinWriter, drive, unknown};
use crate::live::Input;
use crate::{Call, Error, NewExec, Result, Scope, Service};
use podlane_engine::{
    Command, ContainerRef, Control, Error as EngineError, Signal, TerminalSize, Termination,
};
use std::cmp::Reverse;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How much of a command's line is kept, in bytes.
const SHOWN: usize = 1024;
/// How long an ended command's last output may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often old ones are looked for.
const CLEARING: Duration = Duration::from_secs(30);

impl Service {
    /// Starts a command in the background.
    pub async fn detach_exec(
        &self,
        call: &Call,
        name: &ContainerRef,
        exec: NewExec,
    ) -> Result<Background> {
        call.may(Scope::ExecRun)?;
        let registry = self.opened().await?;
        let (reserved, oldest) = registry.reserve()?;
        let worker = self.0.gate.enter(call).await?;
        let (service, call, name) = (self.clone(), call.clone(), name.clone());
        self.to_the_end(async move {
            if let Some(oldest) = oldest {
                blocking(move || store::remove(&oldest.directory)).await?;
            }
            let id = ExecId::new()?;
            let (kept, named) = (Arc::clone(&registry), id.clone());
            let directory = blocking(move || kept.store.create(&named)).await??;
            let begun = service.begin(&call, &name, &exec, id, &directory).await;
            drop(worker);
            let entry = match begun {
                Ok(entry) => entry,
                Err(error) => {
                    blocking(move || store::remove(&directory)).await?;
                    return Err(error);
                }
            };
            reserved.fill(Arc::clone(&entry));
            Ok(entry.snapshot())
        })
        .await
    }

    async fn begin(
        &self,
        call: &Call,
        name: &ContainerRef,
        exec: &NewExec,
        id: ExecId,
        directory: &Path,
    ) -> Result<Arc<Entry>> {
        let mut live = self.live_exec(call, name, exec, exec.timeout).await?;
        live.until_started().await?;
        let about = About {
            id,
            container: live.container().as_str().to_owned(),
            tenant: self.owner(call, live.container()).await?,
            name: name.as_str().to_owned(),
            command: shown(&exec.command),
            path: live.path(),
            started: OffsetDateTime::now_utc(),
            terminal: exec.terminal.is_some(),
        };
        let (to, saved) = (directory.to_path_buf(), about.clone());
        blocking(move || store::save(&to, &saved, &Progress::default())).await??;
        let stdin: Stdin = match live.take_stdin() {
            Some(sink) => Ok(sink),
            None if exec.stdin == Input::Open => Err("standard input is closed"),
            None => Err("standard input was not opened: start the command with stdin_open"),
        };
        let entry = Arc::new(Entry {
            about,
            directory: directory.to_path_buf(),
            progress: watch::Sender::new(Progress::default()),
            control: Some(live.control()),
            stdin: Arc::new(Mutex::new(stdin)),
            given_up: CancellationToken::new(),
        });
        let ring = Ring::new(directory.to_path_buf(), self.0.limits.exec_log_bytes);
        self.0
            .tasks
            .spawn(drive::drive(Arc::clone(&entry), live, ring));
        Ok(entry)
    }

    /// The background commands that are kept, the newest first.
    pub async fn list_execs(&self, call: &Call, filter: &Filter) -> Result<Vec<Background>> {
        call.may(Scope::ExecRead)?;
        let Some(registry) = self.known().await? else {
            return Ok(Vec::new());
        };
        let of = |entry: &Entry| {
            filter.container.as_ref().is_none_or(|wanted| {
                *wanted == entry.about.name || entry.about.container.starts_with(wanted.as_str())
            })
        };
        let entries = registry.all();
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| of(entry)) {
            if self.owns_exec(call, entry).await {
                found.push(entry.snapshot());
            }
        }
        found.retain(|exec| filter.state.is_none_or(|state| exec.state() == state));
        found.sort_by_key(|exec| Reverse(exec.started));
        Ok(found)
    }

    /// One background command.
    pub async fn inspect_exec(&self, call: &Call, id: &ExecId) -> Result<Background> {
        call.may(Scope::ExecRead)?;
        Ok(self.entry(call, id).await?.snapshot())
    }

    /// A reader of its output from position `from` on. One that follows takes a place for a stream.
    pub async fn read_exec(
        &self,
        call: &Call,
        id: &ExecId,
        from: u64,
        follow: bool,
    ) -> Result<OutputReader> {
        call.may(Scope::ExecRead)?;
        let entry = self.entry(call, id).await?;
        let place = follow.then(|| self.0.streams.take()).transpose()?;
        OutputReader::open(entry, from, follow, place).await
    }

    /// A writer to its standard input, once nobody else writes; waits for that until the call's deadline.
    pub async fn write_exec(&self, call: &Call, id: &ExecId) -> Result<StdinWriter> {
        call.may(Scope::ExecRun)?;
        let entry = self.entry(call, id).await?;
        running(&entry)?;
        StdinWriter::open(call, &entry).await
    }

    /// Sends it a signal.
    pub async fn signal_exec(&self, call: &Call, id: &ExecId, signal: Signal) -> Result<()> {
        call.may(Scope::ExecRun)?;
        let entry = self.entry(call, id).await?;
        let control = running(&entry)?;
        within(call, control.signal(signal)).await
    }

    /// Sets the size of its terminal.
    pub async fn resize_exec(&self, call: &Call, id: &ExecId, size: TerminalSize) -> Result<()> {
        call.may(Scope::ExecRun)?;
        let entry = self.entry(call, id).await?;
        let control = running(&entry)?;
        if !entry.about.terminal {
            return Err(Error::Conflict {
                message: "the command has no terminal".into(),
            });
        }
        within(call, control.resize(size)).await
    }

    /// Waits for its end, at most for `limit` and until the call's deadline; answers how it is then.
    pub async fn wait_exec(&self, call: &Call, id: &ExecId, limit: Duration) -> Result<Background> {
        call.may(Scope::ExecRead)?;
        let entry = self.entry(call, id).await?;
        let mut progress = entry.progress.subscribe();
        let until = call.deadline.min(Instant::now() + limit);
        let ended = progress.wait_for(|progress| progress.end.is_some());
        // Past the limit it is answered as it is. What was waited for is locked while it is held.
        drop(timeout_at(until, ended).await);
        Ok(entry.snapshot())
    }

    /// Ends it with everything that it started, if it runs, and removes it with its output.
    pub async fn remove_exec(&self, call: &Call, id: &ExecId) -> Result<RemovedExec> {
        call.may(Scope::ExecRun)?;
        let entry = self.entry(call, id).await?;
        let registry = self.known().await?.ok_or_else(|| unknown(id))?;
        let (service, id) = (self.clone(), id.clone());
        self.to_the_end(async move {
            let mut removed = RemovedExec {
                killed: false,
                survivors: Vec::new(),
            };
            if let Ok(control) = running(&entry) {
                let ended = control.terminate(service.0.limits.kill_grace).await;
                let paused = ended.is_paused();
                match ended {
                    Termination::Complete { killed } => removed.killed = killed,
                    Termination::Survivors(survivors) => {
                        removed.killed = true;
                        removed.survivors = survivors;
                    }
                    Termination::Unproven => {
                        return Err(Error::ExecTimeout {
                            message: "whether all of the command has ended could not be found out"
                                .into(),
                        });
                    }
                }
                let mut progress = entry.progress.subscribe();
                let ended = progress.wait_for(|progress| progress.end.is_some());
                let words = if paused { Duration::ZERO } else { LAST_WORDS };
                if timeout(words, ended).await.is_err() {
                    entry.given_up.cancel();
                }
            }
            if let Some(entry) = registry.take(&id) {
                blocking(move || store::remove(&entry.directory)).await?;
            }
            Ok(removed)
        })
        .await
    }

    async fn entry(&self, call: &Call, id: &ExecId) -> Result<Arc<Entry>> {
        let registry = self.known().await?.ok_or_else(|| unknown(id))?;
        let entry = registry.get(id)?;
        if self.owns_exec(call, &entry).await {
            return Ok(entry);
        }
        Err(unknown(id))
    }

    /// Whether a command is the caller's to see: as its container is, or was.
    async fn owns_exec(&self, call: &Call, entry: &Entry) -> bool {
        if call.prefix().is_some() {
            let container = ContainerRef::parse(&entry.about.container);
            return match container {
                Ok(container) => self.find(call, &container).await.is_ok(),
                Err(_) => false,
            };
        }
        call.tenant().is_none() || entry.about.tenant.as_ref() == call.tenant()
    }

    /// The registry if there is one, or something for it: to look at nothing makes no directory.
    async fn known(&self) -> Result<Option<Arc<Registry>>> {
        if let Some(registry) = self.0.background.get() {
            return Ok(Some(Arc::clone(registry)));
        }
        let Some(state) = self.0.limits.state_dir.clone() else {
            return Ok(None);
        };
        if blocking(move || Store::directory(&state).is_dir()).await? {
            self.opened().await.map(Some)
        } else {
            Ok(None)
        }
    }

    async fn opened(&self) -> Result<Arc<Registry>> {
        let opened = self.0.background.get_or_try_init(|| async {
            let limits = self.0.limits.clone();
            let registry = blocking(move || match &limits.state_dir {
                Some(state) => Registry::open(state, &limits),
                None => Err(Error::Unkept {
                    message: "background commands can't be kept: the server has no state_dir",
                    reason: "neither HOME nor XDG_STATE_HOME is set".into(),
                }),
            });
            let registry = Arc::new(registry.await??);
            tokio::spawn(clear(Arc::clone(&registry), self.0.stopping.clone()));
            Ok(registry)
        });
        opened.await.cloned()
    }
}

/// Removes old ones for as long as the server runs.
async fn clear(registry: Arc<Registry>, stopping: CancellationToken) {
    loop {
        let kept = Arc::clone(&registry);
        let _ = blocking(move || kept.clear()).await;
        tokio::select! {
            () = tokio::time::sleep(CLEARING) => {}
            () = stopping.cancelled() => return,
        }
    }
}

fn running(entry: &Entry) -> Result<&Arc<dyn Control>> {
    let ended = entry.progress.borrow().end.is_some();
    entry
        .control
        .as_ref()
        .filter(|_| !ended)
        .ok_or_else(|| Error::Conflict {
            message: "the command has ended".into(),
        })
}

async fn within(
    call: &Call,
    acting: impl Future<Output = podlane_engine::Result<()>>,
) -> Result<()> {
    match timeout_at(call.deadline, acting).await {
        Ok(acted) => Ok(acted?),
        Err(_elapsed) => Err(EngineError::Timeout {
            step: "acting on the command".into(),
            limit: call.limit,
        }
        .into()),
    }
}

/// A command as people write it, its beginning.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = match command {
        Command::Shell(line) => line.clone(),
        Command::Argv(argv) => shell_words::join(argv),
    };
    if text.len() > SHOWN {
        let cut = (0..=SHOWN).rfind(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or_default());
        text.push('…');
    }
    text
}
