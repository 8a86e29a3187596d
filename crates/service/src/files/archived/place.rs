//! Files that are written get their names.

use super::{Archived, look};
use crate::archive::{Attributes, Packer};
use crate::files::FileInfo;
use crate::{Error, Result};
use podlane_engine::{InnerPath, Ownership, Upload};

/// A file that is written beside its place.
pub(super) struct Plan {
    pub(super) directory: InnerPath,
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) ownership: Ownership,
    pub(super) temporary: String,
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
        let renamed = match written {
            Ok(()) => self.rename(&beside, &path).await,
            Err(error) => Err(error),
        };
        let placed = match renamed {
            Ok(true) => Ok(()),
            Ok(false) => {
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

    /// Gives a file its name as a second one, whatever the image has and whether it runs. For a moment
    /// there is none of that name.
    async fn link_to(&self, plan: &Plan) -> Result<()> {
        let mut packer = Packer::new(2048);
        packer.link(&plan.name, &plan.temporary, plan.attributes)?;
        let archive = Upload::Whole(packer.finish()?);
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
