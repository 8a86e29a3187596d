//! The directory of background commands: one folder each, with a record and the output. It belongs to
//! one server at a time, which holds a lock on it.

use super::ExecId;
use super::entry::{About, End, How, Progress};
use super::ring::{self, Extent};
use crate::live::Ended;
use crate::{Error, Result, Tenant};
use podlane_engine::{ExecPath, Exit, Survivor, Usage};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;

const RECORD: &str = "record.json";

/// The directory, locked.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    _lock: File,
}

impl Store {
    /// The directory below a state directory.
    pub(super) fn directory(state: &Path) -> PathBuf {
        state.join("execs")
    }

    /// Makes the directory if it is missing, for this account only, and locks it. Blocks.
    pub(super) fn open(state: &Path) -> Result<Self> {
        let directory = Self::directory(state);
        let lock = make(&directory).map_err(|error| unkept(&directory, &error))?;
        let mine = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive);
        mine.map_err(|error| Error::Unkept {
            message: "background commands can't be kept: another server uses this server's state_dir",
            reason: format!("{}: {error}", directory.display()),
        })?;
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    /// Where a command is kept.
    pub(super) fn of(&self, id: &ExecId) -> PathBuf {
        self.directory.join(id.as_str())
    }

    /// Makes a command's folder. Blocks.
    pub(super) fn create(&self, id: &ExecId) -> Result<PathBuf> {
        let directory = self.of(id);
        let made = DirBuilder::new().mode(0o700).create(&directory);
        made.map_err(|error| unkept(&directory, &error))?;
        Ok(directory)
    }

    /// What earlier servers have left; a folder without a readable record is removed. Blocks.
    pub(super) fn load(&self) -> io::Result<Vec<(About, PathBuf, Progress)>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(&self.directory)? {
            let name = folder?.file_name();
            let Some(id) = name.to_str().and_then(ExecId::parse) else {
                continue;
            };
            let directory = self.of(&id);
            match recover(&directory, id) {
                Some((about, progress)) => found.push((about, directory, progress)),
                None => remove(&directory),
            }
        }
        Ok(found)
    }
}

fn make(directory: &Path) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join("lock"))
}

fn unkept(path: &Path, error: &io::Error) -> Error {
    Error::Unkept {
        message: "background commands can't be kept: the server's state_dir can't be written",
        reason: format!("{}: {error}", path.display()),
    }
}

/// Removes a command's folder. Blocks.
pub(super) fn remove(directory: &Path) {
    if let Err(error) = fs::remove_dir_all(directory) {
        tracing::warn!(%error, directory = %directory.display(), "a background command's files stay");
    }
}

/// Writes a command's record, whole or not at all. Blocks.
pub(super) fn save(directory: &Path, about: &About, progress: &Progress) -> Result<()> {
    let record = Record::of(about, progress);
    let written = || -> io::Result<()> {
        let beside = directory.join("record.new");
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&serde_json::to_vec(&record)?)?;
        fs::rename(beside, directory.join(RECORD))
    };
    written().map_err(|error| unkept(directory, &error))
}

/// One that has not ended was lost with its server.
fn recover(directory: &Path, id: ExecId) -> Option<(About, Progress)> {
    let record: Record = serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()?;
    let mut extent = ring::recover(directory).ok()?;
    let (about, end, total) = record.into_parts(id)?;
    extent.total = extent.total.max(total);
    let known = end.is_some();
    let end = end.unwrap_or_else(|| End {
        at: OffsetDateTime::now_utc(),
        how: How::Lost("the server that had started it ended first".into()),
    });
    let progress = Progress {
        extent,
        end: Some(end),
    };
    if !known {
        // Without it the time to keep it would begin anew with each start.
        let _ = save(directory, &about, &progress);
    }
    Some((about, progress))
}

/// A command's record on disk.
#[derive(Serialize, Deserialize)]
struct Record {
    container: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    command: String,
    path: String,
    /// Times are microseconds since 1970.
    started: i64,
    terminal: bool,
    ended: Option<i64>,
    lost: Option<String>,
    exit: Option<SavedExit>,
    output: u64,
}

#[derive(Serialize, Deserialize)]
struct SavedExit {
    code: i32,
    signal: Option<i32>,
    /// Microseconds in user and system mode, and bytes.
    usage: Option<(u64, u64, u64)>,
    duration_us: u64,
    timed_out: bool,
    killed: bool,
    survivors: Vec<(i32, String)>,
    /// Whether these were left in a paused container.
    #[serde(default)]
    paused: bool,
}

impl Record {
    fn of(about: &About, progress: &Progress) -> Self {
        let end = progress.end.as_ref();
        let (lost, exit) = match end.map(|end| &end.how) {
            Some(How::Lost(reason)) => (Some(reason.clone()), None),
            Some(How::Exited(ended)) => (None, Some(SavedExit::of(ended))),
            None => (None, None),
        };
        let Extent { total, .. } = progress.extent;
        Self {
            container: about.container.clone(),
            name: about.name.clone(),
            tenant: about.tenant.as_ref().map(ToString::to_string),
            command: about.command.clone(),
            path: about.path.as_str().to_owned(),
            started: microseconds(about.started),
            terminal: about.terminal,
            ended: end.map(|end| microseconds(end.at)),
            lost,
            exit,
            output: total,
        }
    }

    fn into_parts(self, id: ExecId) -> Option<(About, Option<End>, u64)> {
        let paths = [ExecPath::Fd, ExecPath::Stream, ExecPath::Engine];
        let about = About {
            id,
            container: self.container,
            name: self.name,
            tenant: self.tenant.as_deref().and_then(Tenant::parse),
            command: self.command,
            path: paths.into_iter().find(|path| path.as_str() == self.path)?,
            started: moment(self.started)?,
            terminal: self.terminal,
        };
        let how = match (self.exit, self.lost) {
            (Some(exit), _) => Some(How::Exited(exit.into_ended())),
            (None, Some(reason)) => Some(How::Lost(reason)),
            (None, None) => None,
        };
        let at = self.ended.and_then(moment);
        let end = at.zip(how).map(|(at, how)| End { at, how });
        Some((about, end, self.output))
    }
}

impl SavedExit {
    fn of(ended: &Ended) -> Self {
        let usage = |usage: Usage| (micros(usage.user), micros(usage.system), usage.max_rss);
        let survivor = |left: &Survivor| (left.pid, left.name.clone());
        Self {
            code: ended.exit.code,
            signal: ended.exit.signal,
            usage: ended.exit.usage.map(usage),
            duration_us: micros(ended.duration),
            timed_out: ended.timed_out,
            killed: ended.killed,
            survivors: ended.survivors.iter().map(survivor).collect(),
            paused: ended.survivors.iter().any(|left| left.paused),
        }
    }

    fn into_ended(self) -> Ended {
        let usage = |(user, system, max_rss)| Usage {
            user: Duration::from_micros(user),
            system: Duration::from_micros(system),
            max_rss,
        };
        let paused = self.paused;
        let survivor = |(pid, name)| Survivor { pid, name, paused };
        Ended {
            exit: Exit {
                code: self.code,
                signal: self.signal,
                usage: self.usage.map(usage),
            },
            duration: Duration::from_micros(self.duration_us),
            timed_out: self.timed_out,
            killed: self.killed,
            survivors: self.survivors.into_iter().map(survivor).collect(),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn moment(microseconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).ok()
}
