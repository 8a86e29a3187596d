//! Files that are written get their names.

use super::{Archived, look};
use crate::files::FileInfo;
use crate::files::tar::{self, Head, HeadKind};
use crate::{Error, Result};
use podlane_engine::inside::Expectation;
use podlane_engine::{ContainerId, InnerPath, Ownership, Upload};
use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

/// A file that is written beside its place.
pub(super) struct Plan {
    pub(super) directory: InnerPath,
    pub(super) name: String,
    /// Its mode, its owner and when it was changed.
    pub(super) head: Head,
    pub(super) ownership: Ownership,
    pub(super) temporary: String,
    /// What must be there when it gets its name.
    pub(super) expected: Expectation,
}

/// Who gives a file its name, one at a time for each of so many paths or groups of them: between a look at what
/// is there and the new name, nobody else of this server comes.
#[derive(Debug, Default)]
pub(crate) struct Turns([Mutex<()>; 32]);

impl Turns {
    fn of(&self, id: &ContainerId, path: &InnerPath) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (id, path).hash(&mut hasher);
        let place = hasher.finish() % self.0.len() as u64;
        &self.0[usize::try_from(place).unwrap_or_default()]
    }
}

impl Plan {
    /// Where it is to be.
    pub(super) fn path(&self) -> InnerPath {
        self.directory.join(&self.name)
    }

    /// Where it is written.
    pub(super) fn beside(&self) -> InnerPath {
        self.directory.join(&self.temporary)
    }
}

impl Archived {
    /// Gives a file its name if it was written. Whatever comes of it, nothing is left beside.
    pub(super) async fn place(&self, plan: &Plan, written: Result<()>) -> Result<FileInfo> {
        let (beside, path) = (plan.beside(), plan.path());
        let renamed = async {
            written?;
            let turn = self.turn(&path).await?;
            if plan.expected != Expectation::Any {
                self.check(plan, &path).await?;
            }
            Ok((turn, self.rename(&beside, &path).await?))
        };
        let placed = match renamed.await {
            Ok((_, true)) => Ok(()),
            Ok((_turn, false)) => {
                let linked = self.link_to(plan).await;
                self.discard(&beside).await;
                linked
            }
            Err(error) => {
                self.discard(&beside).await;
                Err(error)
            }
        };
        placed?;
        Ok(look::info(&path, &self.there(&path).await?))
    }

    /// Waits for the turn to give a path's name.
    pub(super) async fn turn(&self, path: &InnerPath) -> Result<MutexGuard<'_, ()>> {
        let patience = self.service.0.limits.request_timeout;
        let turn = self.service.0.naming.of(&self.id, path).lock();
        timeout(patience, turn).await.map_err(|_elapsed| {
            let message = format!("{path} is being written by others; try again later");
            Error::Conflict { message }
        })
    }

    /// Whether there is still what was expected.
    async fn check(&self, plan: &Plan, path: &InnerPath) -> Result<()> {
        let there = self.look(path).await?;
        look::expect(&plan.expected, path, there.as_ref())
    }

    /// Gives a file its name as a second one, whatever the image has and whether it runs. For a moment
    /// there is none of that name.
    async fn link_to(&self, plan: &Plan) -> Result<()> {
        let link = tar::head(&Head {
            path: plan.name.clone().into_bytes(),
            kind: HeadKind::Link,
            target: plan.temporary.clone().into_bytes(),
            ..plan.head.clone()
        })?;
        let archive = Upload::Whole([link, tar::end()].concat().into());
        match self.put(&plan.directory, archive, plan.ownership).await {
            Err(Error::File(_)) => Err(Error::Conflict {
                message: format!(
                    "{} was changed in the container in the meantime",
                    plan.directory
                ),
            }),
            other => other,
        }
    }
}
