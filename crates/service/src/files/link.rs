//! Symbolic links made.

use super::reach::Way;
use super::{At, FileInfo, below_root, failure, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Entry, Expectation, Reason, Work};

/// What a symbolic link can hold. Source: symlink(2), `PATH_MAX`.
const LONGEST: usize = 4095;

impl Service {
    /// Makes a symbolic link to `target`, which need not exist. What is there must not be in its way.
    pub async fn link_file(
        &self,
        call: &Call,
        at: &At,
        target: &str,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        below_root(&at.path)?;
        if target.is_empty() || target.contains('\0') || target.len() > LONGEST {
            let reason = "a target has 1 to 4095 bytes, and no NUL";
            return Err(failure(Reason::Invalid(reason.into()), at.path.as_str()));
        }
        let reach = self.reach(call, at).await?;
        let work = Work::Link {
            path: at.path.as_str().into(),
            target: target.into(),
            place: reach.place(owner, parents, Expectation::Absent),
        };
        match reach.way(&work).await? {
            Way::Agent(mut work) => Ok(work.only::<Entry>().await?.into()),
            Way::Archive(archived) => archived.link(at.path.clone(), target, owner, parents).await,
        }
    }
}
