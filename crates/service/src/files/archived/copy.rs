//! Copies and moves.

use super::{Archived, failure, look};
use crate::files::items::Items;
use crate::files::move_::expected;
use crate::files::repack::Repack;
use crate::files::{FileInfo, outside_kernel, tar};
use crate::{Error, Result};
use futures_util::{StreamExt, stream};
use podlane_engine::inside::Reason;
use podlane_engine::{Archive, Error as EngineError, FileKind, InnerPath, Upload};

impl Archived {
    pub(in crate::files) async fn move_(
        self,
        from: InnerPath,
        to: InnerPath,
        owner: Option<(u32, u32)>,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        self.there(&from).await?;
        let target = self.look(&to).await?;
        look::expect(&expected(replace), &to, target.as_ref())?;
        let (directory, name) = self.directory(&to, parents).await?;
        if owner.is_none() && self.rename(&from, &directory.join(&name)).await? {
            let to = directory.join(&name);
            return Ok(look::info(&to, &self.there(&to).await?));
        }
        if owner.is_none() {
            let message = "Podman does not tell who owns what is moved: start the container, or name the `owner`";
            return Err(Error::Conflict {
                message: message.into(),
            });
        }
        let service = self.service.clone();
        let moved = async move {
            let copied = self
                .duplicate(&from, to, owner, true, replace, parents)
                .await?;
            let engine = &self.service.0.engine;
            engine.remove_path(&self.call, &self.id, &from).await?;
            Ok(copied)
        };
        service.to_the_end(moved).await
    }

    pub(in crate::files) async fn copy(
        self,
        from: InnerPath,
        to: InnerPath,
        owner: Option<(u32, u32)>,
        recursive: bool,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        let service = self.service.clone();
        let copied = async move {
            self.duplicate(&from, to, owner, recursive, replace, parents)
                .await
        };
        service.to_the_end(copied).await
    }

    async fn duplicate(
        &self,
        from: &InnerPath,
        to: InnerPath,
        owner: Option<(u32, u32)>,
        recursive: bool,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        let stat = self.there(from).await?;
        match stat.kind {
            FileKind::Symlink => {
                let target = stat.target.as_ref().unwrap_or(from);
                return self.make_link(to, target.as_str(), owner, parents).await;
            }
            FileKind::Directory if !recursive => {
                return Err(failure(Reason::IsDirectory, from.as_str()));
            }
            FileKind::Directory if to.is_within(from.as_str()) => {
                let reason = Reason::Invalid("can't be copied into itself".into());
                return Err(failure(reason, from.as_str()));
            }
            FileKind::Special => return Err(failure(Reason::Special, from.as_str())),
            FileKind::Regular | FileKind::Directory => {}
        }
        let target = self.look(&to).await?;
        look::expect(&expected(replace), &to, target.as_ref())?;
        let was = target.map(|target| target.kind);
        if was.is_some_and(|was| was != stat.kind) {
            return Err(failure(Reason::Exists, to.as_str()));
        }
        outside_kernel(from)?;
        let (directory, name) = self.directory(&to, parents).await?;
        let (owner, ownership) = self.ownership(owner);
        let items = Items::of_archive(self.entries(from).await?);
        let repack = Repack::new(items, name.clone().into_bytes(), Some(owner));
        let archive = Upload::Pieces(pieces(repack));
        self.put(&directory, archive, ownership).await?;
        let to = directory.join(&name);
        Ok(look::info(&to, &self.there(&to).await?))
    }
}

/// As the engine takes it.
fn pieces(repack: Repack) -> Archive {
    let content = stream::try_unfold(repack, |mut repack| async {
        match repack.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, repack))),
            Err(Error::Engine(error)) => Err(error),
            Err(error) => Err(EngineError::Failed {
                step: "copying files".into(),
                message: error.to_string(),
            }),
        }
    });
    content.chain(stream::iter([Ok(tar::end())])).boxed()
}
