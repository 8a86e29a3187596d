//! Whose files are, in a container without an agent. Libpod's archives of paths call everything root's; an
//! export of the whole file system does not.

use crate::files::tar::{Head, HeadKind, Reader};
use crate::{Call, Error, Result, Service};
use futures_util::{StreamExt, TryStreamExt};
use podlane_engine::{ContainerId, Error as EngineError, FileKind, FileStat, InnerPath};
use std::collections::BTreeMap;
use tokio::time::timeout_at;

/// What root owns in every container whose numbers are those of the export.
const REFERENCE: &str = "/etc";

/// A user's and a group's number, by the path of what is theirs.
pub(super) type Owners = BTreeMap<String, (u32, u32)>;

impl Service {
    /// Who owns what is at these paths. What can't be shown is left out: what is mounted, what has a symbolic
    /// link on its way, and everything in a container with users of its own. Reads no more than it has to,
    /// which is much where they come late.
    pub(super) async fn owners(
        &self,
        call: &Call,
        id: &ContainerId,
        paths: &[InnerPath],
    ) -> Result<Owners> {
        let engine = &self.0.engine;
        let mounts = engine.inspect(call, &id.into()).await?.mounts;
        let mounted = |path: &InnerPath| {
            let mut places = mounts.iter().map(|(_, place, _)| place);
            places.any(|place| path.is_within(place) || is_below(place, path.as_str()))
        };
        let mut wanted = BTreeMap::new();
        let reference = InnerPath::parse(REFERENCE).map_err(Error::name_in("username"))?;
        for path in paths.iter().chain([&reference]) {
            let shown = !mounted(path) || *path == reference;
            if shown && let Some(stat) = engine.stat(call, id, path).await? {
                wanted.insert(path.to_string(), stat);
            }
        }
        let exporting = self.exported(call, id, wanted);
        let mut owners = timeout_at(call.deadline, exporting)
            .await
            .map_err(|_elapsed| super::late(call, "looking whose files are"))??;
        if owners.get(REFERENCE) != Some(&(0, 0)) {
            owners.clear();
        }
        Ok(owners)
    }

    async fn exported(
        &self,
        call: &Call,
        id: &ContainerId,
        mut wanted: BTreeMap<String, FileStat>,
    ) -> Result<Owners> {
        let mut owners = Owners::new();
        let archive = self.0.engine.export(call, id).await?;
        let mut entries = Reader::new(archive.map_err(Error::from).boxed(), garbled);
        while !wanted.is_empty()
            && let Some(head) = entries.next().await?
        {
            let path = path(&head.path);
            if let Some(stat) = wanted.remove(&path)
                && is_it(&head, &stat)
            {
                owners.insert(path, head.owner);
            }
        }
        Ok(owners)
    }
}

/// The path of an entry, as a container has it.
fn path(entry: &[u8]) -> String {
    let path = String::from_utf8_lossy(entry);
    let path = path.trim_start_matches("./").trim_matches('/');
    format!("/{path}")
}

fn is_below(place: &str, path: &str) -> bool {
    let below = place.strip_prefix(path);
    below.is_some_and(|rest| rest.starts_with('/'))
}

/// Whether an entry is of what has that path in the container: something may cover it there.
fn is_it(head: &Head, stat: &FileStat) -> bool {
    let apart = head.modified.0.abs_diff(stat.modified.0);
    let same = match head.kind {
        HeadKind::File | HeadKind::Link => stat.kind == FileKind::Regular,
        HeadKind::Directory => stat.kind == FileKind::Directory,
        HeadKind::Symlink | HeadKind::Other => false,
    };
    same && head.mode & 0o7777 == stat.mode && apart <= 1
}

fn garbled(reason: &'static str) -> Error {
    EngineError::Garbled {
        step: "exporting the container".into(),
        reason: reason.into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_the_paths_of_the_container() {
        for entry in ["home/ann/", "./home/ann", "/home/ann/"] {
            assert_eq!(path(entry.as_bytes()), "/home/ann");
        }
        assert_eq!(path(b"./"), "/");
    }

    #[test]
    fn a_mount_in_a_directory_is_below_it() {
        assert!(is_below("/home/ann/data", "/home/ann"));
        assert!(!is_below("/home/anna", "/home/ann"));
        assert!(!is_below("/home", "/home/ann"));
    }

    #[test]
    fn what_is_covered_is_not_taken_for_what_covers_it() {
        let head = Head {
            path: b"home/ann/".to_vec(),
            kind: HeadKind::Directory,
            size: 0,
            mode: 0o755,
            owner: (1000, 1000),
            modified: (50, 0),
            target: Vec::new(),
        };
        let stat = FileStat {
            kind: FileKind::Directory,
            size: 4096,
            mode: 0o755,
            modified: (50, 999),
            target: None,
        };
        assert!(is_it(&head, &stat));
        let others = [
            FileStat {
                kind: FileKind::Symlink,
                ..stat.clone()
            },
            FileStat {
                mode: 0o700,
                ..stat.clone()
            },
            FileStat {
                modified: (52, 0),
                ..stat.clone()
            },
        ];
        for other in others {
            assert!(!is_it(&head, &other), "{other:?}");
        }
    }
}
