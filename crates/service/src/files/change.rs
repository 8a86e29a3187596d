//! Permission bits, owners and times changed.

use super::reach::Way;
use super::{At, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Changes, Owner, Summary, Work};

/// What is changed of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewAttributes {
    /// The permission bits.
    pub mode: Option<u32>,
    /// The owner and the group by number.
    pub owner: Option<(u32, u32)>,
    /// When its content was last changed: seconds since 1970, and nanoseconds.
    pub modified: Option<(i64, u32)>,
}

impl Service {
    /// Changes what is at a path, with `recursive` also all that is in it, where no symbolic link is
    /// followed. Answers how much was changed, as far as that is known.
    pub async fn change_file(
        &self,
        call: &Call,
        at: &At,
        new: NewAttributes,
        recursive: bool,
    ) -> Result<Option<u64>> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        let owner = new.owner.map(|(uid, gid)| Owner::Numbers {
            uid: Some(uid),
            gid: Some(gid),
        });
        let work = Work::Change {
            path: at.path.as_str().into(),
            changes: Changes {
                mode: new.mode,
                owner,
                modified: new.modified,
                follow: !recursive,
            },
            recursive,
        };
        match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(mut work) => Ok(Some(work.only::<Summary>().await?.entries)),
            Way::Archive(archived) => {
                archived.change(at.path.clone(), new, recursive).await?;
                Ok(None)
            }
        }
    }
}
