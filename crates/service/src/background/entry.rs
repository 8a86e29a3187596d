//! One background command: what is known of it, and the handles to it while it runs.

use super::ring::Extent;
use super::{Background, ExecId};
use crate::Tenant;
use crate::live::Ended;
use podlane_engine::{Control, ExecPath, StdinSink};
use std::path::PathBuf;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

/// What does not change.
#[derive(Clone)]
pub(super) struct About {
    pub(super) id: ExecId,
    /// The container's full ID.
    pub(super) container: String,
    /// Whose the container is.
    pub(super) tenant: Option<Tenant>,
    /// The container, as it was named in the request.
    pub(super) name: String,
    /// The command, as it was given, shortened.
    pub(super) command: String,
    pub(super) path: ExecPath,
    pub(super) started: OffsetDateTime,
    pub(super) terminal: bool,
}

impl std::fmt::Debug for About {
    /// Shows no command: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("About")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How far it has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) extent: Extent,
    pub(super) end: Option<End>,
}

/// The end of a background command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: OffsetDateTime,
    /// How.
    pub how: How,
}

/// How a background command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By itself, at its time limit or at a signal.
    Exited(Ended),
    /// It was lost sight of; why, for people.
    Lost(String),
}

/// Standard input: open, or the reason why not.
pub(super) type Stdin = std::result::Result<StdinSink, &'static str>;

pub(super) struct Entry {
    pub(super) about: About,
    pub(super) directory: PathBuf,
    pub(super) progress: watch::Sender<Progress>,
    /// `None` for one of an earlier server.
    pub(super) control: Option<Arc<dyn Control>>,
    pub(super) stdin: Arc<Mutex<Stdin>>,
    /// Nobody wants it any more.
    pub(super) given_up: CancellationToken,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Entry {
    pub(super) fn snapshot(&self) -> Background {
        let progress = self.progress.borrow();
        let about = self.about.clone();
        Background {
            id: about.id,
            container: about.container,
            command: about.command,
            path: about.path,
            started: about.started,
            terminal: about.terminal,
            end: progress.end.clone(),
            bytes: progress.extent.total,
            from: progress.extent.from(),
            lost: progress.extent.lost(),
        }
    }

    pub(super) fn ended_at(&self) -> Option<OffsetDateTime> {
        self.progress.borrow().end.as_ref().map(|end| end.at)
    }
}
