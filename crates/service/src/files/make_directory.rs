//! Directories made.

use super::reach::Way;
use super::{At, FileInfo, below_root, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Entry, Expectation, Work};

impl Service {
    /// Makes a directory, with those above it if `parents` says so; then one that is there is fine.
    pub async fn make_directory(
        &self,
        call: &Call,
        at: &At,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        below_root(&at.path)?;
        let reach = self.reach(call, at).await?;
        let work = Work::MakeDirectory {
            path: at.path.as_str().into(),
            place: reach.place(owner, parents, Expectation::Any),
            mode,
        };
        match reach.way(&work).await? {
            Way::Agent(mut work) => Ok(work.only::<Entry>().await?.into()),
            Way::Archive(archived) => {
                archived
                    .make_directory(at.path.clone(), mode, owner, parents)
                    .await
            }
        }
    }
}
