//! Lists.

use super::{Archived, failure};
use crate::Result;
use crate::files::tar::HeadKind;
use crate::files::{FileInfo, FileList, ListFiles};
use fast_glob::glob_match;
use podlane_engine::inside::Reason;
use podlane_engine::{FileKind, InnerPath};

impl Archived {
    pub(in crate::files) async fn list(
        self,
        path: &InnerPath,
        wanted: &ListFiles,
    ) -> Result<FileList> {
        let (path, stat) = self.follow(path).await?;
        if stat.kind != FileKind::Directory {
            return Err(failure(Reason::NotDirectory, path.as_str()));
        }
        let limit = self.service.0.limits.archive_entries;
        let mut left = limit;
        let mut items = self.tree(&path).await?;
        let mut entries = Vec::new();
        while let Some(head) = items.next().await? {
            let here = head.path.as_slice();
            let seen = !here.is_empty() && head.kind != HeadKind::Other;
            if !seen || depth(here) > wanted.depth as usize {
                continue;
            }
            left = left.checked_sub(1).ok_or_else(|| {
                let limit = format!("{limit} entries (the setting limits.archive_entries)");
                failure(Reason::Limit(limit), path.as_str())
            })?;
            let pattern = wanted.pattern.as_ref();
            let fits = pattern.is_none_or(|pattern| glob_match(pattern, here));
            let behind = wanted
                .after
                .as_ref()
                .is_none_or(|after| names(here).gt(names(after)));
            if fits && behind {
                entries.push(FileInfo::of(here, &head));
            }
        }
        entries.sort_unstable_by(|one, other| names(&one.path).cmp(names(&other.path)));
        let more = entries.len() > wanted.limit as usize;
        entries.truncate(wanted.limit as usize);
        Ok(FileList { entries, more })
    }
}

fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
}

fn depth(path: &[u8]) -> usize {
    names(path).count()
}
