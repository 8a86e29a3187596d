//! Files and directories doubled.

use super::move_::expected;
use super::reach::Way;
use super::{At, FileInfo, below_root, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::InnerPath;
use podlane_engine::inside::{Entry, Work};

impl Service {
    /// Copies a file, or with `recursive` a directory with all that is in it.
    #[allow(
        clippy::too_many_arguments,
        reason = "one for each field of the operation"
    )]
    pub async fn copy_file(
        &self,
        call: &Call,
        at: &At,
        to: &InnerPath,
        owner: Option<(u32, u32)>,
        recursive: bool,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        outside_kernel(to)?;
        below_root(to)?;
        let reach = self.reach(call, at).await?;
        let work = Work::Copy {
            from: at.path.as_str().into(),
            to: to.as_str().into(),
            recursive,
            place: reach.place(owner, parents, expected(replace)),
        };
        match reach.way(&work).await? {
            Way::Agent(mut work) => Ok(work.only::<Entry>().await?.into()),
            Way::Archive(archived) => {
                archived
                    .copy(
                        at.path.clone(),
                        to.clone(),
                        owner,
                        recursive,
                        replace,
                        parents,
                    )
                    .await
            }
        }
    }
}
