//! Directories and symbolic links made, and what is there removed.

use super::resolve::{Link, Spot};
use super::{Archived, failure, look};
use crate::Result;
use crate::files::FileInfo;
use crate::files::tar::{self, Head, HeadKind};
use bytes::BytesMut;
use podlane_engine::inside::{Expectation, Reason};
use podlane_engine::{FileKind, InnerPath, Upload};
use std::time::{SystemTime, UNIX_EPOCH};

impl Archived {
    pub(in crate::files) async fn make_directory(
        self,
        path: InnerPath,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let spot = self.resolve(&path, Link::Itself).await?;
        if let Some(stat) = &spot.stat {
            if parents && stat.kind == FileKind::Directory {
                return Ok(look::info(&spot.path, stat));
            }
            return Err(failure(Reason::Exists, spot.path.as_str()));
        }
        let head = Head {
            kind: HeadKind::Directory,
            mode: mode.unwrap_or(0o755),
            ..empty()
        };
        let service = self.service.clone();
        let making = async move { self.make(&spot, head, owner, parents).await };
        service.to_the_end(making).await
    }

    pub(in crate::files) async fn link(
        self,
        path: InnerPath,
        target: &str,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let spot = self.resolve(&path, Link::Itself).await?;
        look::expect(&Expectation::Absent, &spot.path, spot.stat.as_ref())?;
        let (service, target) = (self.service.clone(), target.to_owned());
        let making = async move { self.make_link(&spot, target, owner, parents).await };
        service.to_the_end(making).await
    }

    /// Makes a link, in the place of what is there if that is no directory.
    pub(super) async fn make_link(
        &self,
        spot: &Spot,
        target: String,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let target = target.into_bytes();
        let head = Head {
            kind: HeadKind::Symlink,
            mode: 0o777,
            target: target.clone(),
            ..empty()
        };
        let made = self.make(spot, head, owner, parents).await?;
        Ok(FileInfo {
            target: Some(target),
            ..made
        })
    }

    async fn make(
        &self,
        spot: &Spot,
        mut head: Head,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let (directory, name) = spot.directory(parents)?;
        let (owner, ownership) = self.ownership(owner);
        head.path = name.into_bytes();
        head.owner = owner;
        let mut archive = BytesMut::from(&tar::head(&head)?[..]);
        archive.extend_from_slice(&tar::end());
        let archive = Upload::Whole(archive.freeze());
        self.put(&directory, archive, ownership).await?;
        let path = &spot.path;
        // A link that leads nowhere may not be told of.
        Ok(match self.look(path).await? {
            Some(stat) => look::info(path, &stat),
            None => FileInfo::of(path.as_str().as_bytes(), &head),
        })
    }

    pub(in crate::files) async fn remove(
        self,
        path: InnerPath,
        recursive: bool,
        expected: Expectation,
    ) -> Result<()> {
        let spot = self.resolve(&path, Link::Itself).await?;
        look::expect(&expected, &spot.path, spot.stat.as_ref())?;
        let directory = spot.found()?.kind == FileKind::Directory;
        if directory && !recursive && !self.is_empty(&spot.path).await? {
            return Err(failure(Reason::NotEmpty, spot.path.as_str()));
        }
        let service = self.service.clone();
        let removed = async move {
            let engine = &self.service.0.engine;
            Ok(engine.remove_path(&self.call, &self.id, &spot.path).await?)
        };
        service.to_the_end(removed).await
    }

    /// Whether nothing is in a directory.
    pub(super) async fn is_empty(&self, path: &InnerPath) -> Result<bool> {
        let mut tree = self.tree(path).await?;
        let mut seen = 0;
        while seen < 2 && tree.next().await?.is_some() {
            seen += 1;
        }
        Ok(seen < 2)
    }
}

/// Nothing yet, as of now.
pub(super) fn empty() -> Head {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let modified = now.map_or((0, 0), |now| {
        let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
        (seconds, now.subsec_micros() * 1000)
    });
    Head {
        path: Vec::new(),
        kind: HeadKind::File,
        size: 0,
        mode: 0,
        owner: (0, 0),
        modified,
        target: Vec::new(),
    }
}
