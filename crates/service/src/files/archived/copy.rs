//! Copies and moves.

use super::place::Plan;
use super::resolve::{Link, Spot};
use super::{Archived, failure, into_itself, look};
use crate::files::items::Items;
use crate::files::move_::expected;
use crate::files::repack::Repack;
use crate::files::{FileInfo, tar};
use crate::{Error, Result};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use podlane_engine::inside::{Expectation, Reason};
use podlane_engine::{FileKind, InnerPath, Ownership};

/// Whose a copy is to be.
#[derive(Clone, Copy)]
struct Whose {
    owner: (u32, u32),
    ownership: Ownership,
}

impl Archived {
    pub(in crate::files) async fn move_(
        self,
        from: InnerPath,
        to: InnerPath,
        owner: Option<(u32, u32)>,
        replace: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        let (from, to) = self.both(&from, &to, replace).await?;
        if owner.is_none() {
            let (directory, name) = to.directory(parents)?;
            let to = directory.join(&name);
            if self.rename(&from.path, &to).await? {
                return Ok(look::info(&to, &self.there(&to).await?));
            }
            let message = "Podman does not tell who owns what is moved: start the container, or name the `owner`";
            return Err(Error::Conflict {
                message: message.into(),
            });
        }
        let service = self.service.clone();
        let moved = async move {
            let copied = self.duplicate(&from, &to, owner, true, parents).await?;
            if self.is_changed(&from).await? {
                return Err(failure(Reason::Changed, from.path.as_str()));
            }
            let engine = &self.service.0.engine;
            let call = self.call.extended(self.service.0.limits.request_timeout);
            engine.remove_path(&call, &self.id, &from.path).await?;
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
        let (from, to) = self.both(&from, &to, replace).await?;
        let service = self.service.clone();
        let copied = async move { self.duplicate(&from, &to, owner, recursive, parents).await };
        service.to_the_end(copied).await
    }

    /// Both places, if something is there and can come here.
    async fn both(&self, from: &InnerPath, to: &InnerPath, replace: bool) -> Result<(Spot, Spot)> {
        let from = self.resolve(from, Link::Itself).await?;
        let kind = from.found()?.kind;
        let to = self.resolve(to, Link::Itself).await?;
        let path = to.path.as_str();
        let root = from.path.split().is_none();
        if root || (to.path != from.path && to.path.is_within(from.path.as_str())) {
            return Err(into_itself(&to.path));
        }
        look::expect(&expected(replace), &to.path, to.stat.as_ref())?;
        if let Some(was) = to.stat.as_ref().map(|stat| stat.kind) {
            if to.path == from.path {
                return Err(failure(Reason::Exists, path));
            }
            let directory = FileKind::Directory;
            if was == directory && kind != directory {
                return Err(failure(Reason::IsDirectory, path));
            }
            if was != directory && kind == directory {
                return Err(failure(Reason::NotDirectory, path));
            }
            if was == directory && !self.is_empty(&to.path).await? {
                return Err(failure(Reason::NotEmpty, path));
            }
        }
        Ok((from, to))
    }

    /// Whether something has another content than when it was looked at first, as far as that can be seen.
    async fn is_changed(&self, spot: &Spot) -> Result<bool> {
        let now = self.look(&spot.path).await?;
        Ok(match (&spot.stat, now) {
            (Some(before), Some(now)) => {
                before.kind != now.kind
                    || (before.kind == FileKind::Regular && before.size != now.size)
                    || (before.kind != FileKind::Symlink && before.modified != now.modified)
            }
            _ => true,
        })
    }

    async fn duplicate(
        &self,
        from: &Spot,
        to: &Spot,
        owner: Option<(u32, u32)>,
        recursive: bool,
        parents: bool,
    ) -> Result<FileInfo> {
        let stat = from.found()?;
        let (whose, ownership) = self.ownership(owner);
        let whose = Whose {
            owner: whose,
            ownership,
        };
        match stat.kind {
            FileKind::Regular => self.copy_file(from, to, whose, parents).await,
            FileKind::Directory if recursive => self.copy_tree(from, to, whose, parents).await,
            FileKind::Directory => Err(failure(Reason::IsDirectory, from.path.as_str())),
            FileKind::Symlink => {
                let target = stat.target.as_ref().unwrap_or(&from.path);
                self.make_link(to, target.to_string(), owner, parents).await
            }
            FileKind::Special => Err(failure(Reason::Special, from.path.as_str())),
        }
    }

    async fn copy_file(
        &self,
        from: &Spot,
        to: &Spot,
        whose: Whose,
        parents: bool,
    ) -> Result<FileInfo> {
        let (directory, name) = to.directory(parents)?;
        let mut plan = Plan {
            directory,
            name,
            head: tar::Head {
                owner: whose.owner,
                ..super::make::empty()
            },
            ownership: whose.ownership,
            temporary: super::temporary_name()?,
            expected: if to.stat.is_some() {
                Expectation::Any
            } else {
                Expectation::Absent
            },
        };
        let pieces = self
            .pieces(&from.path, &plan.temporary, None, whose)
            .await?;
        let put = self.put_made(&plan.directory, pieces, plan.ownership);
        let mut written = put.await;
        if written.is_ok() {
            written = self.check_copy(from, to, &mut plan).await;
        }
        self.place(&plan, written).await
    }

    /// Whether a copy can take its place, and what it is to keep when it does.
    async fn check_copy(&self, from: &Spot, to: &Spot, plan: &mut Plan) -> Result<()> {
        let copy = self.there(&plan.beside()).await?;
        plan.head.mode = copy.mode;
        plan.head.modified = copy.modified;
        if to.stat.is_some() && self.is_same(from, &plan.name, &plan.temporary).await? {
            return Err(failure(Reason::Exists, to.path.as_str()));
        }
        Ok(())
    }

    /// Whether something of that name is where it was found by another way as well: a volume may be mounted
    /// twice. What has the temporary name is beside the other.
    async fn is_same(&self, from: &Spot, name: &str, temporary: &str) -> Result<bool> {
        match from.path.split() {
            Some((directory, own)) if own == name => {
                Ok(self.look(&directory.join(temporary)).await?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Copies a directory. It can't be renamed by the engine, so it grows in its place, and goes again if it
    /// does not become whole.
    async fn copy_tree(
        &self,
        from: &Spot,
        to: &Spot,
        whose: Whose,
        parents: bool,
    ) -> Result<FileInfo> {
        let (directory, name) = to.directory(parents)?;
        let temporary = super::temporary_name()?;
        let beside = directory.join(&temporary);
        let mark = tar::Head {
            path: temporary.clone().into_bytes(),
            kind: tar::HeadKind::Directory,
            mode: 0o700,
            ..super::make::empty()
        };
        let mark = stream::iter([tar::head(&mark), Ok(tar::end())]).boxed();
        self.put_made(&directory, mark, Ownership::Archive).await?;
        let copied = async {
            if to.stat.is_some() && self.is_same(from, &name, &temporary).await? {
                return Err(failure(Reason::Exists, to.path.as_str()));
            }
            let pieces = self.pieces(&from.path, &name, Some(&temporary), whose);
            let pieces = pieces.await?;
            // What somebody else has made meanwhile is not to be removed as ours.
            let _turn = self.turn(&to.path).await?;
            if to.stat.is_none() && self.look(&to.path).await?.is_some() {
                return Err(failure(Reason::Exists, to.path.as_str()));
            }
            let put = self.put_made(&directory, pieces, whose.ownership).await;
            if put.is_err() && to.stat.is_none() {
                self.discard(&to.path).await;
            }
            put
        };
        let copied = copied.await;
        self.discard(&beside).await;
        copied?;
        Ok(look::info(&to.path, &self.there(&to.path).await?))
    }

    /// What is at a path under another name, as an archive.
    async fn pieces(
        &self,
        from: &InnerPath,
        name: &str,
        foreign: Option<&str>,
        whose: Whose,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes>>> {
        let mut tree = self.tree(from).await?;
        if let Some(foreign) = foreign {
            tree = tree.without(foreign);
        }
        let items = Items::Archive(Box::new(tree));
        let repack = Repack::new(items, name.into(), Some(whose.owner));
        let content = stream::try_unfold(repack, |mut repack| async {
            Ok(repack.next().await?.map(|piece| (piece, repack)))
        });
        // Only what is whole has an end.
        let end = stream::once(async { Ok(tar::end()) });
        Ok(content.chain(end).boxed())
    }
}
