//! What is at a path.

use super::reach::Way;
use super::{At, FileInfo, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Entry, Work};

impl Service {
    /// What is at a path; a final symbolic link is followed if `follow` says so.
    pub async fn stat_file(&self, call: &Call, at: &At, follow: bool) -> Result<FileInfo> {
        call.may(Scope::FilesRead)?;
        outside_kernel(&at.path)?;
        let work = Work::Stat {
            path: at.path.as_str().into(),
            follow,
        };
        match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(mut work) => Ok(work.only::<Entry>().await?.into()),
            Way::Archive(archived) => archived.stat(&at.path, follow).await,
        }
    }
}
