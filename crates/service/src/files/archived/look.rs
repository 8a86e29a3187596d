//! Looks at paths.

use super::Archived;
use super::resolve::Link;
use crate::Result;
use crate::files::{FileInfo, failure};
use podlane_engine::inside::{Expectation, Kind, Reason, Version};
use podlane_engine::{FileKind, FileStat, InnerPath};

impl Archived {
    pub(in crate::files) async fn stat(self, path: &InnerPath, follow: bool) -> Result<FileInfo> {
        let link = if follow { Link::Followed } else { Link::Itself };
        let spot = self.resolve(path, link).await?;
        Ok(info(&spot.path, spot.found()?))
    }

    /// What is at a path, a final symbolic link not followed; `None` if nothing is. The path has no others.
    pub(super) async fn look(&self, path: &InnerPath) -> Result<Option<FileStat>> {
        if path.as_str().contains('*') {
            let reason = "has a star in its name, for which Podman can't be asked";
            return Err(failure(Reason::Invalid(reason.into()), path.as_str()));
        }
        // There may be many to look at, and of a long transfer late.
        let call = self.call.extended(self.service.0.limits.request_timeout);
        Ok(self.service.0.engine.stat(&call, &self.id, path).await?)
    }

    /// The same of what must be there.
    pub(super) async fn there(&self, path: &InnerPath) -> Result<FileStat> {
        let stat = self.look(path).await?;
        stat.ok_or_else(|| failure(Reason::NotFound, path.as_str()))
    }

    /// The regular file that a path leads to.
    pub(super) async fn file(&self, path: &InnerPath) -> Result<(InnerPath, FileStat)> {
        let (path, stat) = self.follow(path).await?;
        match unreadable(stat.kind) {
            Some(reason) => Err(failure(reason, path.as_str())),
            None => Ok((path, stat)),
        }
    }
}

/// Why something has no content as a regular file has.
pub(super) fn unreadable(kind: FileKind) -> Option<Reason> {
    match kind {
        FileKind::Regular => None,
        FileKind::Directory => Some(Reason::IsDirectory),
        FileKind::Symlink => Some(Reason::Circle),
        FileKind::Special => Some(Reason::Special),
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
