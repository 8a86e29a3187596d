//! Directories and symbolic links made, and what is there removed.

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
        if let Some(stat) = self.look(&path).await? {
            if parents && stat.kind == FileKind::Directory {
                return Ok(look::info(&path, &stat));
            }
            return Err(failure(Reason::Exists, path.as_str()));
        }
        let head = Head {
            kind: HeadKind::Directory,
            mode: mode.unwrap_or(0o755),
            ..empty()
        };
        let service = self.service.clone();
        let making = async move { self.make(path, head, owner, parents).await };
        service.to_the_end(making).await
    }

    pub(in crate::files) async fn link(
        self,
        path: InnerPath,
        target: &str,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let (service, target) = (self.service.clone(), target.to_owned());
        let making = async move { self.make_link(path, &target, owner, parents).await };
        service.to_the_end(making).await
    }

    pub(super) async fn make_link(
        &self,
        path: InnerPath,
        target: &str,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let stat = self.look(&path).await?;
        look::expect(&Expectation::Absent, &path, stat.as_ref())?;
        let head = Head {
            kind: HeadKind::Symlink,
            mode: 0o777,
            target: target.into(),
            ..empty()
        };
        let made = self.make(path, head, owner, parents).await?;
        Ok(FileInfo {
            target: Some(target.into()),
            ..made
        })
    }

    async fn make(
        &self,
        path: InnerPath,
        mut head: Head,
        owner: Option<(u32, u32)>,
        parents: bool,
    ) -> Result<FileInfo> {
        let (directory, name) = self.directory(&path, parents).await?;
        let (owner, ownership) = self.ownership(owner);
        head.path = name.clone().into_bytes();
        head.owner = owner;
        let mut archive = BytesMut::from(&tar::head(&head)?[..]);
        archive.extend_from_slice(&tar::end());
        let archive = Upload::Whole(archive.freeze());
        self.put(&directory, archive, ownership).await?;
        let path = directory.join(&name);
        // A link that leads nowhere may not be told of.
        Ok(match self.look(&path).await? {
            Some(stat) => look::info(&path, &stat),
            None => FileInfo::of(path.as_str().as_bytes(), &head),
        })
    }

    pub(in crate::files) async fn remove(
        self,
        path: InnerPath,
        recursive: bool,
        expected: Expectation,
    ) -> Result<()> {
        let stat = self.look(&path).await?;
        look::expect(&expected, &path, stat.as_ref())?;
        let Some(stat) = stat else {
            return Err(failure(Reason::NotFound, path.as_str()));
        };
        let (directory, name) = self.directory(&path, true).await?;
        if stat.kind == FileKind::Directory && !recursive {
            let mut entries = self.entries(&path).await?;
            let mut seen = 0;
            while seen < 2 && entries.next().await?.is_some() {
                seen += 1;
            }
            if seen > 1 {
                return Err(failure(Reason::NotEmpty, path.as_str()));
            }
        }
        let service = self.service.clone();
        let removed = async move {
            let path = directory.join(&name);
            let engine = &self.service.0.engine;
            Ok(engine.remove_path(&self.call, &self.id, &path).await?)
        };
        service.to_the_end(removed).await
    }
}

/// Nothing yet, as of now.
fn empty() -> Head {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or_default());
    Head {
        path: Vec::new(),
        kind: HeadKind::File,
        size: 0,
        mode: 0,
        owner: (0, 0),
        modified: (now, 0),
        target: Vec::new(),
    }
}
