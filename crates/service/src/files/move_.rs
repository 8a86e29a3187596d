//! Files and directories given another path.

use super::reach::Way;
use super::{At, FileInfo, below_root, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::InnerPath;
use podlane_engine::inside::{Entry, Expectation, Owner, Work};

impl Service {
    /// Gives what is at a path another one, and with `owner` another owner. What is there already is replaced if `replace` says so and
    /// both are files, or both directories and that one is empty.
    #[allow(
        clippy::too_many_arguments,
        reason = "one for each field of the operation"
    )]
    pub async fn move_file(
        &self,
        call: &Call,
        at: &At,
        to: &InnerPath,
        owner: Option<(u32, u32)>,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        call.may(Scope::FilesWrite)?;
        for path in [&at.path, to] {
            outside_kernel(path)?;
            below_root(path)?;
        }
        let reach = self.reach(call, at).await?;
        let mut place = reach.place(owner, parents, expected(replace));
        if owner.is_none() {
            place.owner = Owner::Keep;
        }
        let work = Work::Move {
            from: at.path.as_str().into(),
            to: to.as_str().into(),
            place,
        };
        match reach.way(&work).await? {
            Way::Agent(mut work) => Ok(work.only::<Entry>().await?.into()),
            Way::Archive(archived) => {
                archived
                    .move_(at.path.clone(), to.clone(), owner, replace, parents)
                    .await
            }
        }
    }
}

/// What may be where something is put.
pub(super) fn expected(replace: bool) -> Expectation {
    if replace {
        Expectation::Any
    } else {
        Expectation::Absent
    }
}
