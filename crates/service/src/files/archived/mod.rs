//! Files by the engine's archives: for containers that don't run, and where no agent can be had.
//!
//! Slow, and it can't tell who owns what is there. A file that is written gets its name when it is whole.

mod change;
mod copy;
mod list;
mod look;
mod make;
mod read;
mod unpack;
mod write;

pub(super) use read::Content;
pub(super) use write::Writing;

use super::{failure, outside_kernel};
use crate::gate::Worker;
use crate::lifetime::InUse;
use crate::motion::{Motion, late};
use crate::{Call, Error, Result, Service};
use podlane_engine::inside::Reason;
use podlane_engine::{
    ContainerId, Error as EngineError, InnerPath, Ownership, Resource, Status, Upload,
};
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
        Ok(Self {
            _use: service.uses(&id),
            service: service.clone(),
            call: call.clone(),
            id,
            user: container.user,
            running: container.status == Status::Running,
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

    /// Removes what was written under a temporary name.
    async fn discard(&self, path: &InnerPath) {
        self.service.discard(&self.call, &self.id, path).await;
    }

    /// The directory that something is put into and its name there, the links before it resolved as far
    /// as the container has a tool for that. Who changes such a link meanwhile can't get its parts into
    /// two places.
    async fn directory(&self, path: &InnerPath, parents: bool) -> Result<(InnerPath, String)> {
        let Some((directory, name)) = path.split() else {
            return Err(failure(Reason::IsDirectory, path.as_str()));
        };
        if !parents && self.look(&directory).await?.is_none() {
            return Err(failure(Reason::NotFound, directory.as_str()));
        }
        let directory = self.settle(directory).await?;
        outside_kernel(&directory.join(name))?;
        Ok((directory, name.to_owned()))
    }

    async fn settle(&self, directory: InnerPath) -> Result<InnerPath> {
        if !self.running {
            return Ok(directory);
        }
        let argv = ["readlink", "-f", directory.as_str()];
        let settled = self.service.run_tool(&self.call, &self.id, &argv, &[]);
        let settled = match settled.await {
            Ok(Some(tool)) if tool.exit_code == 0 => InnerPath::parse(&tool.output).ok(),
            // What stands in the way of writing will be told by writing.
            Ok(_) | Err(Error::Engine(EngineError::WrongState { .. })) => None,
            Err(error) => return Err(error),
        };
        // What is no UTF-8 can't be told from what it is shown as.
        let settled = settled.filter(|path| !path.as_str().contains(char::REPLACEMENT_CHARACTER));
        Ok(settled.unwrap_or(directory))
    }

    /// Gives a file its name at once. Whether that went well: it does not where the image has no
    /// suitable `mv`, or the container does not run, or no longer.
    async fn rename(&self, from: &InnerPath, to: &InnerPath) -> Result<bool> {
        if !self.running {
            return Ok(false);
        }
        // -T: should a directory have come to stand there meanwhile, it is an error.
        let argv = ["mv", "-f", "-T", from.as_str(), to.as_str()];
        match self
            .service
            .run_tool(&self.call, &self.id, &argv, &[])
            .await
        {
            Ok(tool) => Ok(tool.is_some_and(|tool| tool.exit_code == 0)),
            Err(Error::Engine(EngineError::WrongState { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
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
