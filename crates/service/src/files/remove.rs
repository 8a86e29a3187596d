//! Files and directories removed.

use super::reach::Way;
use super::{At, below_root, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Expectation, Summary, Work};

impl Service {
    /// Removes what is at a path: of a symbolic link, that itself; a directory that is not empty only
    /// with `recursive`. Answers how much was removed, as far as that is known.
    pub async fn remove_file(
        &self,
        call: &Call,
        at: &At,
        recursive: bool,
        expected: Expectation,
    ) -> Result<Option<u64>> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        below_root(&at.path)?;
        let work = Work::Remove {
            path: at.path.as_str().into(),
            recursive,
            expected: expected.clone(),
        };
        match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(mut work) => Ok(Some(work.only::<Summary>().await?.entries)),
            Way::Archive(archived) => {
                archived
                    .remove(at.path.clone(), recursive, expected)
                    .await?;
                Ok(None)
            }
        }
    }
}
