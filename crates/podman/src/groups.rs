//! The limits that hold for a container that runs, as its control groups have them.
//!
//! Before 5.1 Podman hands a change of limits to the runtime and keeps nothing of it, so that inspect goes on telling
//! those of the start. The kernel knows. Sources: `update` in `libpod/container_internal.go`, cgroups(7).

use podlane_engine::{ContainerId, Limits};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Where a host has its control groups.
pub(crate) const ROOT: &str = "/sys/fs/cgroup";
/// The largest pages that kernels count memory in.
const PAGE: u64 = 64 << 10;
/// More than this is how version 1 writes that there is no limit.
const NONE: u64 = 1 << 62;

/// A limit as the kernel keeps it.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Unlimited,
    At(u64),
}

impl Kept {
    fn limit(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::At(limit) => Some(limit),
        }
    }
}

/// What is told of a container, but for what its control group says otherwise. `path` is where the engine finds that.
/// What can't be read here stays as it is told.
pub(crate) fn in_force(root: &Path, path: &str, id: &ContainerId, told: Limits) -> Limits {
    let Some(path) = of_container(path, id) else {
        return told;
    };
    let group = Group { root, path };
    let bytes = |kept: Option<Kept>, told| match kept.map(Kept::limit) {
        Some(limit) if !same(limit, told) => limit,
        _ => told,
    };
    let memory = bytes(group.memory(), told.memory);
    Limits {
        memory,
        memory_swap: bytes(group.memory_swap(memory), told.memory_swap),
        milli_cpus: group.milli_cpus().map_or(told.milli_cpus, Kept::limit),
        pids: group
            .number("pids", "pids.max")
            .map_or(told.pids, Kept::limit),
        ..told
    }
}

/// Whether one is the other as the kernel keeps it: in whole pages.
fn same(kept: Option<u64>, given: Option<u64>) -> bool {
    match kept.zip(given) {
        Some((kept, given)) => (given.saturating_sub(PAGE - 1)..=given).contains(&kept),
        None => kept == given,
    }
}

/// The part of a path, below the root, that ends with the group of that container: it may have made more below.
fn of_container(path: &str, id: &ContainerId) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) => {
                found.push(name);
                if name.to_str()?.contains(id.as_str()) {
                    return Some(found);
                }
            }
            _ => return None,
        }
    }
    None
}

/// The control group of a container, in a hierarchy for all controllers or in one for each.
struct Group<'a> {
    root: &'a Path,
    path: PathBuf,
}

impl Group<'_> {
    /// What a file says, of version 2 or of that controller in version 1. The kernel answers from memory.
    fn text(&self, controller: &str, file: &str) -> Option<String> {
        let unified = self.root.join(&self.path).join(file);
        let own = || self.root.join(controller).join(&self.path).join(file);
        let text = fs::read_to_string(unified).or_else(|_| fs::read_to_string(own()));
        text.ok()
    }

    fn number(&self, controller: &str, file: &str) -> Option<Kept> {
        kept(self.text(controller, file)?.trim())
    }

    fn memory(&self) -> Option<Kept> {
        let first = self.number("memory", "memory.max");
        first.or_else(|| self.number("memory", "memory.limit_in_bytes"))
    }

    /// Memory and swap together. Version 2 counts swap alone.
    fn memory_swap(&self, memory: Option<u64>) -> Option<Kept> {
        match (self.number("memory", "memory.swap.max"), memory) {
            (None, _) => self.number("memory", "memory.memsw.limit_in_bytes"),
            (Some(Kept::At(swap)), Some(memory)) => Some(Kept::At(memory.saturating_add(swap))),
            (Some(_), _) => Some(Kept::Unlimited),
        }
    }

    fn milli_cpus(&self) -> Option<Kept> {
        let (quota, period) = if let Some(text) = self.text("cpu", "cpu.max") {
            let (quota, period) = text.trim().split_once(' ')?;
            (kept(quota)?, period.parse().ok()?)
        } else {
            let quota = self.number("cpu", "cpu.cfs_quota_us")?;
            (quota, self.number("cpu", "cpu.cfs_period_us")?.limit()?)
        };
        match quota {
            Kept::Unlimited => Some(Kept::Unlimited),
            Kept::At(quota) => quota.saturating_mul(1000).checked_div(period).map(Kept::At),
        }
    }
}

fn kept(text: &str) -> Option<Kept> {
    match text {
        "max" | "-1" => Some(Kept::Unlimited),
        _ => match text.parse().ok()? {
            NONE.. => Some(Kept::Unlimited),
            limit => Some(Kept::At(limit)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/machine.slice/libpod-ID.scope/container/more";

    fn id() -> ContainerId {
        ContainerId::parse(&"ab".repeat(32)).expect("an ID")
    }

    fn told() -> Limits {
        Limits {
            memory: Some(64 << 20),
            memory_swap: Some(128 << 20),
            milli_cpus: Some(1000),
            pids: Some(2048),
            log_bytes: None,
            open_files: None,
        }
    }

    /// What is told where these files are.
    fn with(files: &[(&str, &str)], path: &str) -> Limits {
        let root = tempfile::tempdir().expect("a directory");
        for (file, text) in files {
            let file = root.path().join(file.replace("ID", id().as_str()));
            fs::create_dir_all(file.parent().expect("a place")).expect("a directory");
            fs::write(file, text).expect("a file");
        }
        in_force(
            root.path(),
            &path.replace("ID", id().as_str()),
            &id(),
            told(),
        )
    }

    #[test]
    fn version_2() {
        let at = |file: &str| format!("machine.slice/libpod-ID.scope/{file}");
        let files = [
            (at("memory.max"), "100663296\n"),
            (at("memory.swap.max"), "1048576\n"),
            (at("cpu.max"), "50000 100000\n"),
            (at("pids.max"), "77\n"),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(file, text)| (file.as_str(), *text))
            .collect();
        let expected = Limits {
            memory: Some(96 << 20),
            memory_swap: Some(97 << 20),
            milli_cpus: Some(500),
            pids: Some(77),
            ..told()
        };
        assert_eq!(with(&files, PATH), expected);
        let none = [
            (at("memory.max"), "max\n"),
            (at("memory.swap.max"), "max\n"),
            (at("cpu.max"), "max 100000\n"),
            (at("pids.max"), "max\n"),
        ];
        let none: Vec<_> = none
            .iter()
            .map(|(file, text)| (file.as_str(), *text))
            .collect();
        assert_eq!(with(&none, PATH), Limits::default());
    }

    #[test]
    fn version_1() {
        let files = [
            (
                "memory/libpod_parent/libpod-ID/memory.limit_in_bytes",
                "100663296\n",
            ),
            ("cpu/libpod_parent/libpod-ID/cpu.cfs_quota_us", "150000\n"),
            ("cpu/libpod_parent/libpod-ID/cpu.cfs_period_us", "100000\n"),
            ("pids/libpod_parent/libpod-ID/pids.max", "77\n"),
        ];
        let expected = Limits {
            memory: Some(96 << 20),
            milli_cpus: Some(1500),
            pids: Some(77),
            ..told()
        };
        assert_eq!(with(&files, "/libpod_parent/libpod-ID"), expected);
        let none = [
            (
                "memory/libpod_parent/libpod-ID/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            (
                "memory/libpod_parent/libpod-ID/memory.memsw.limit_in_bytes",
                "9223372036854771712\n",
            ),
            ("cpu/libpod_parent/libpod-ID/cpu.cfs_quota_us", "-1\n"),
            ("cpu/libpod_parent/libpod-ID/cpu.cfs_period_us", "100000\n"),
            ("pids/libpod_parent/libpod-ID/pids.max", "max\n"),
        ];
        assert_eq!(with(&none, "/libpod_parent/libpod-ID"), Limits::default());
    }

    #[test]
    fn what_can_not_be_read_is_as_it_is_told() {
        let pids = "libpod-ID/pids.max";
        assert_eq!(with(&[], "/libpod-ID"), told());
        for (files, path) in [
            (&[(pids, "77")][..], ""),
            (&[("other/pids.max", "77")], "/other"),
            (&[(pids, "77")], "/../libpod-ID"),
            (&[(pids, "many")], "/libpod-ID"),
            (&[("libpod-ID/cpu.max", "1000 0")], "relative"),
            // A limit as it was given, in whole pages.
            (&[("libpod-ID/memory.max", "67104768")], "/libpod-ID"),
        ] {
            assert_eq!(with(files, path), told(), "{path}");
        }
    }
}
