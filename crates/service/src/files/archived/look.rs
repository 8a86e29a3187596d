//! Looks at paths.

use super::Archived;
use crate::Result;
use crate::files::{FileInfo, failure, outside_kernel};
use podlane_engine::inside::{Expectation, Kind, Reason, Version};
use podlane_engine::{FileKind, FileStat, InnerPath};

impl Archived {
    pub(in crate::files) async fn stat(self, path: &InnerPath, follow: bool) -> Result<FileInfo> {
        let (path, stat) = if follow {
            self.follow(path).await?
        } else {
            (path.clone(), self.there(path).await?)
        };
        Ok(info(&path, &stat))
    }

    /// What is at a path, a final symbolic link not followed; `None` if nothing is.
    pub(super) async fn look(&self, path: &InnerPath) -> Result<Option<FileStat>> {
        let engine = &self.service.0.engine;
        Ok(engine.stat(&self.call, &self.id, path).await?)
    }

    /// The same of what must be there.
    pub(super) async fn there(&self, path: &InnerPath) -> Result<FileStat> {
        let stat = self.look(path).await?;
        stat.ok_or_else(|| failure(Reason::NotFound, path.as_str()))
    }

    /// What a path leads to, and where that is.
    pub(in crate::files) async fn follow(&self, path: &InnerPath) -> Result<(InnerPath, FileStat)> {
        let stat = self.there(path).await?;
        let Some(target) = stat.target.clone() else {
            return Ok((path.clone(), stat));
        };
        outside_kernel(&target)?;
        let stat = self.there(&target).await?;
        if stat.kind == FileKind::Symlink {
            return Err(failure(Reason::Circle, path.as_str()));
        }
        Ok((target, stat))
    }

    /// The regular file that a path leads to.
    pub(super) async fn file(&self, path: &InnerPath) -> Result<(InnerPath, FileStat)> {
        let (path, stat) = self.follow(path).await?;
        let reason = match stat.kind {
            FileKind::Regular => return Ok((path, stat)),
            FileKind::Directory => Reason::IsDirectory,
            FileKind::Symlink => Reason::Circle,
            FileKind::Special => Reason::Special,
        };
        Err(failure(reason, path.as_str()))
    }
}

/// Whether what is there is what was expected.
pub(super) fn expect(
    expected: &Expectation,
    path: &InnerPath,
    stat: Option<&FileStat>,
) -> Result<()> {
    let version = stat.map(|stat| Version {
        modified: stat.modified,
        size: stat.size,
    });
    let so = match (expected, version) {
        (Expectation::Any, _) | (Expectation::NoneOf(_), None) => true,
        (Expectation::Absent, version) => version.is_none(),
        (Expectation::Present, version) => version.is_some(),
        (Expectation::Versions(these), Some(version)) => these.contains(&version),
        (Expectation::Versions(_), None) => false,
        (Expectation::NoneOf(these), Some(version)) => !these.contains(&version),
    };
    if so {
        return Ok(());
    }
    let reason = match expected {
        Expectation::Absent => Reason::Exists,
        _ => Reason::Changed,
    };
    Err(failure(reason, path.as_str()))
}

/// As it is answered.
pub(super) fn info(path: &InnerPath, stat: &FileStat) -> FileInfo {
    FileInfo {
        path: path.as_str().into(),
        kind: match stat.kind {
            FileKind::Regular => Kind::File,
            FileKind::Directory => Kind::Directory,
            FileKind::Symlink => Kind::Symlink,
            // The engine does not tell what kind.
            FileKind::Special => Kind::CharacterDevice,
        },
        size: stat.size,
        mode: stat.mode,
        owner: None,
        modified: stat.modified,
        links: None,
        target: stat.target.as_ref().map(|target| target.as_str().into()),
    }
}
