//! Files by the engine's archives: for containers that don't run, and where no agent can be had.
//!
//! Slow, and it can't tell who owns what is there. A file that is written gets its name when it is whole.

mod below;
mod change;
mod copy;
mod list;
mod look;
mod make;
mod place;
mod read;
mod resolve;
mod tree;
mod unpack;
mod write;

pub(crate) use place::Turns;
pub(super) use read::Content;
pub(super) use tree::Tree;
pub(super) use write::Writing;

use super::failure;
use crate::gate::Worker;
use crate::lifetime::InUse;
use crate::motion::{Motion, late};
use crate::{Call, Error, Result, Service};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use podlane_engine::inside::Reason;
use podlane_engine::{
    ContainerId, Error as EngineError, InnerPath, Ownership, Resource, Status, Upload,
};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How temporary names begin; 16 random digits follow.
const TEMPORARY: &str = ".podlane-";
/// How long removing a temporary file may take, past the call's own deadline.
const CLEANUP: Duration = Duration::from_secs(10);
/// How long a transfer may take that does not stand still.
const TRANSFER: Duration = Duration::from_secs(3600);

/// A container whose files the engine reads and writes.
#[derive(Debug)]
pub(super) struct Archived {
    service: Service,
    call: Call,
    id: ContainerId,
    /// The user that it runs as; may be empty.
    user: String,
    running: bool,
    /// Directories that were gone through, and need not be looked at again.
    passed: Mutex<HashSet<InnerPath>>,
    _worker: Worker,
    _use: Option<InUse>,
}

impl Archived {
    pub(super) async fn new(
        service: &Service,
        call: &Call,
        id: ContainerId,
        worker: Worker,
    ) -> Result<Self> {
        let container = service.0.engine.inspect(call, &(&id).into()).await?;
        // The engine would write behind its mounts, where nobody sees it.
        if container.status == Status::Paused {
            container.status.must_run()?;
        }
        Ok(Self {
            _use: service.uses(&id),
            service: service.clone(),
            call: call.clone(),
            id,
            user: container.user,
            running: container.status == Status::Running,
            passed: Mutex::default(),
            _worker: worker,
        })
    }

    /// Who is to own what is made, and how the engine is told so.
    fn ownership(&self, owner: Option<(u32, u32)>) -> ((u32, u32), Ownership) {
        match owner.or_else(|| root_owner(&self.user)) {
            Some(owner) => (owner, Ownership::Archive),
            None => ((0, 0), Ownership::ContainerUser),
        }
    }

    async fn put(
        &self,
        directory: &InnerPath,
        archive: Upload,
        ownership: Ownership,
    ) -> Result<()> {
        let engine = &self.service.0.engine;
        let limit = self.service.0.limits.request_timeout;
        let put = match archive {
            whole @ Upload::Whole(_) => {
                let call = self.call.extended(limit);
                let put = engine.write_archive(&call, &self.id, directory, whole, ownership);
                put.await
            }
            Upload::Pieces(pieces) => {
                let (pieces, motion) = Motion::of(pieces);
                let (call, pieces) = (self.call.extended(TRANSFER), Upload::Pieces(pieces));
                tokio::select! {
                    put = engine.write_archive(&call, &self.id, directory, pieces, ownership) => put,
                    () = motion.stands_still(limit) => Err(late("writing files", limit)),
                }
            }
        };
        put.map_err(|error| meaning(error, directory))
    }

    /// Writes an archive that is made as it is sent. Why it could not be made is the error then.
    async fn put_made(
        &self,
        directory: &InnerPath,
        pieces: BoxStream<'static, Result<Bytes>>,
        ownership: Ownership,
    ) -> Result<()> {
        let wrong = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&wrong);
        let pieces = pieces.map(move |piece| {
            piece.map_err(|error| {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                EngineError::Failed {
                    step: "writing files".into(),
                    message: "what was to be written could not be had".into(),
                }
            })
        });
        let put = self.put(directory, Upload::Pieces(pieces.boxed()), ownership);
        let put = put.await;
        let wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner).take();
        wrong.map_or(put, Err)
    }

    /// Removes what was written under a temporary name.
    async fn discard(&self, path: &InnerPath) {
        self.service.discard(&self.call, &self.id, path).await;
    }

    /// Gives a file its name at once. Whether that went well: it does not where the image has no
    /// suitable `mv`, or the container does not run, or no longer.
    async fn rename(&self, from: &InnerPath, to: &InnerPath) -> Result<bool> {
        if !self.running {
            return Ok(false);
        }
        // -T: should a directory have come to stand there meanwhile, it is an error.
        let argv = ["mv", "-f", "-T", from.as_str(), to.as_str()];
        // What was to come may have taken longer than a request does.
        let call = self.call.extended(self.service.0.limits.request_timeout);
        match self.service.run_tool(&call, &self.id, &argv, &[]).await {
            Ok(exit_code) => Ok(exit_code == Some(0)),
            Err(Error::Engine(EngineError::WrongState { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What would be copied or moved below itself.
fn into_itself(path: &InnerPath) -> Error {
    let reason = Reason::Invalid("it would come into itself".into());
    failure(reason, path.as_str())
}

/// What an engine's error at a path means, in the words of works.
fn meaning(error: EngineError, path: &InnerPath) -> Error {
    match error {
        EngineError::NotFound {
            resource: Resource::Path,
            ..
        } => failure(Reason::NotFound, path.as_str()),
        other => other.into(),
    }
}

impl Service {
    /// Removes what was written under a temporary name.
    pub(crate) async fn discard(&self, call: &Call, id: &ContainerId, path: &InnerPath) {
        let call = call.extended(CLEANUP);
        if let Err(error) = self.0.engine.remove_path(&call, id, path).await
            && !matches!(error, EngineError::NotFound { .. })
        {
            tracing::warn!(request_id = %call.request_id, container = id.short(), %path, %error, "a temporary file could not be removed");
        }
    }
}

/// The numbers of the container's user if they are known without a look into its account files, which
/// whoever is inside may have replaced by what can't be read.
pub(super) fn root_owner(user: &str) -> Option<(u32, u32)> {
    matches!(user, "" | "0" | "0:0" | "root" | "root:root").then_some((0, 0))
}

/// A name that nothing else has, hidden from a plain `ls`.
pub(crate) fn temporary_name() -> Result<String> {
    let random = getrandom::u64().map_err(|error| Error::Internal {
        step: "drawing a random number",
        reason: error.to_string(),
    })?;
    Ok(format!("{TEMPORARY}{random:016x}"))
}
