//! Files and directories taken out as one archive.

use super::items::Items;
use super::reach::Way;
use super::repack::Repack;
use super::{At, failure, outside_kernel, tar};
use crate::places::Place;
use crate::{Call, Result, Scope, Service};
use bytes::Bytes;
use podlane_engine::inside::{Reason, Work};
use podlane_engine::{FileKind, InnerPath};
use std::collections::VecDeque;

/// A tar archive that is made as somebody takes it.
#[derive(Debug)]
pub struct Download {
    /// What is under way.
    part: Option<Repack>,
    service: Service,
    call: Call,
    at: At,
    /// What was not begun yet.
    paths: VecDeque<InnerPath>,
    ended: bool,
    _place: Place,
}

impl Service {
    /// Takes files and trees out of a container, named by the last names of their paths. What the first
    /// path finds in its way is an error at once.
    pub async fn download(&self, call: &Call, at: &At, paths: Vec<InnerPath>) -> Result<Download> {
        call.may(Scope::FilesRead)?;
        for path in &paths {
            outside_kernel(path)?;
            if paths
                .iter()
                .filter(|other| name(other) == name(path))
                .count()
                > 1
            {
                let reason = "has the same last name as another path";
                return Err(failure(Reason::Invalid(reason.into()), path.as_str()));
            }
        }
        let mut download = Download {
            part: None,
            service: self.clone(),
            call: call.clone(),
            at: at.clone(),
            paths: paths.into(),
            ended: false,
            _place: self.0.streams.take()?,
        };
        download.begin().await?;
        Ok(download)
    }

    /// Begins to pack what is at a path, below a name.
    pub(super) async fn pack(&self, call: &Call, at: &At, name: Vec<u8>) -> Result<Repack> {
        outside_kernel(&at.path)?;
        let work = Work::Pack {
            paths: vec![at.path.as_str().into()],
            limit: self.0.limits.archive_entries,
        };
        let items = match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(work) => Items::Agent(Box::new(work)),
            Way::Archive(archived) => {
                let (path, stat) = archived.follow(&at.path).await?;
                if stat.kind == FileKind::Special {
                    return Err(failure(Reason::Special, path.as_str()));
                }
                Items::Archive(Box::new(archived.tree(&path).await?))
            }
        };
        Ok(Repack::new(items, name, None))
    }
}

/// What a path is called in an archive.
pub(super) fn name(path: &InnerPath) -> Vec<u8> {
    path.split().map_or_else(Vec::new, |(_, name)| name.into())
}

impl Download {
    async fn begin(&mut self) -> Result<()> {
        if let Some(path) = self.paths.pop_front() {
            let name = name(&path);
            self.at.path = path;
            // What was waited for is over: a worker and an agent may be asked for again.
            let call = self.call.extended(self.call.limit);
            let mut part = self.service.pack(&call, &self.at, name).await?;
            part.prepare().await?;
            self.part = Some(part);
        }
        Ok(())
    }

    /// The next piece of the archive; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(part) = &mut self.part else {
                return Ok((!std::mem::replace(&mut self.ended, true)).then(tar::end));
            };
            if let Some(piece) = part.next().await? {
                return Ok(Some(piece));
            }
            self.part = None;
            self.begin().await?;
        }
    }
}
