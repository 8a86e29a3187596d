//! A container's file system, in memory: a flat map from absolute paths to nodes.

use super::node::{FsError, Kind, Node, Who, allowed};
use bytes::Bytes;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, FsError>;

/// A file system.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
    /// Mount points and whether they can't be written; the longest prefix decides.
    mounts: Vec<(String, bool)>,
}

impl Tree {
    /// A root directory.
    pub(super) fn new() -> Self {
        let root = Node::new(Kind::Directory, 0o755);
        Self {
            nodes: BTreeMap::from([("/".to_owned(), root)]),
            mounts: Vec::new(),
        }
    }

    /// Marks a mount point; the directory is made if it is missing.
    pub(super) fn mount(&mut self, path: &str, read_only: bool) {
        if let Ok(path) = self.make_directories(path, Who::ROOT) {
            self.mounts.push((path, read_only));
        }
    }

    /// The path without links, `.` and `..`; what is missing at its end is taken as it stands. A final
    /// link is followed if `follow`.
    pub(super) fn resolve(&self, path: &str, follow: bool) -> Result<String> {
        let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut done = String::new();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    done.truncate(done.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let here = if done.is_empty() { "/" } else { &done };
            if self
                .nodes
                .get(here)
                .is_some_and(|node| !node.is_directory())
            {
                return Err(FsError::NotDirectory);
            }
            let next = format!("{done}/{name}");
            if let Some(Node {
                kind: Kind::Link(target),
                ..
            }) = self.nodes.get(&next)
                && (follow || !todo.is_empty())
            {
                links += 1;
                if links > 40 {
                    return Err(FsError::Loop);
                }
                if target.starts_with('/') {
                    done.clear();
                }
                todo.extend(target.split('/').rev().map(str::to_owned));
                continue;
            }
            done = next;
        }
        Ok(if done.is_empty() { "/".into() } else { done })
    }

    /// The node at a path that [`Tree::resolve`] gave.
    pub(super) fn at(&self, resolved: &str) -> Option<&Node> {
        self.nodes.get(resolved)
    }

    /// The node that a path leads to.
    pub(super) fn get(&self, path: &str, follow: bool) -> Result<&Node> {
        let resolved = self.resolve(path, follow)?;
        self.at(&resolved).ok_or(FsError::NotFound)
    }

    /// Everything below a resolved directory, by path.
    pub(super) fn below(&self, resolved: &str) -> impl Iterator<Item = (&str, &Node)> {
        let prefix = format!("{}/", resolved.trim_end_matches('/'));
        let all = self.nodes.range(prefix.clone()..);
        all.take_while(move |(path, _)| path.starts_with(&prefix))
            .filter(|(path, _)| path.len() > 1)
            .map(|(path, node)| (path.as_str(), node))
    }

    /// The names in a resolved directory.
    pub(super) fn names(&self, resolved: &str) -> Vec<String> {
        let skip = resolved.trim_end_matches('/').len() + 1;
        let names = self.below(resolved).map(|(path, _)| &path[skip..]);
        let direct = names.filter(|name| !name.contains('/'));
        direct.map(str::to_owned).collect()
    }

    /// Makes a directory with its parents, links followed, and says where it is.
    pub(super) fn make_directories(&mut self, path: &str, who: Who) -> Result<String> {
        let resolved = self.resolve(path, true)?;
        let mut made = String::new();
        for name in resolved.split('/').filter(|name| !name.is_empty()) {
            made = format!("{made}/{name}");
            match self.nodes.get(&made) {
                None => {
                    let node = Node::new(Kind::Directory, 0o755).owned_by(who);
                    self.insert(&made, node, who)?;
                }
                Some(node) if !node.is_directory() => return Err(FsError::NotDirectory),
                Some(_) => {}
            }
        }
        Ok(resolved)
    }

    /// Puts a node at a resolved path, in place of what was there.
    pub(super) fn insert(&mut self, resolved: &str, node: Node, who: Who) -> Result<()> {
        self.check_parent(resolved, who)?;
        self.cut(resolved);
        self.nodes.insert(resolved.to_owned(), node);
        Ok(())
    }

    /// Writes a file, a final link followed; a new one gets 0644.
    pub(super) fn write(&mut self, path: &str, data: &[u8], append: bool, who: Who) -> Result<()> {
        let resolved = self.resolve(path, true)?;
        let Some(node) = self.nodes.get(&resolved) else {
            let node = Node::file(Bytes::copy_from_slice(data), 0o644).owned_by(who);
            return self.insert(&resolved, node, who);
        };
        if self.is_read_only(&resolved) {
            return Err(FsError::ReadOnly);
        }
        if !allowed(node, who, 0o2) {
            return Err(FsError::Denied);
        }
        match self.nodes.get_mut(&resolved).map(|node| &mut node.kind) {
            Some(Kind::File(old)) => {
                let kept = if append { &old[..] } else { &[] };
                *old = [kept, data].concat().into();
                Ok(())
            }
            Some(Kind::Directory) => Err(FsError::IsDirectory),
            _ => Ok(()),
        }
    }

    /// Reads a file, a final link followed. Devices and pipes read as empty.
    pub(super) fn read(&self, path: &str, who: Who) -> Result<Bytes> {
        let node = self.get(path, true)?;
        if !allowed(node, who, 0o4) {
            return Err(FsError::Denied);
        }
        match &node.kind {
            Kind::File(data) => Ok(data.clone()),
            Kind::Directory => Err(FsError::IsDirectory),
            _ => Ok(Bytes::new()),
        }
    }

    /// Removes what is at a path itself, with all below it.
    pub(super) fn remove(&mut self, path: &str, who: Who) -> Result<()> {
        let resolved = self.resolve(path, false)?;
        self.at(&resolved).ok_or(FsError::NotFound)?;
        self.check_parent(&resolved, who)?;
        self.cut(&resolved);
        Ok(())
    }

    /// `rename(2)`.
    pub(super) fn rename(&mut self, from: &str, to: &str, who: Who) -> Result<()> {
        let (from, to) = (self.resolve(from, false)?, self.resolve(to, false)?);
        let node = self.at(&from).ok_or(FsError::NotFound)?;
        match (node.is_directory(), self.at(&to).map(Node::is_directory)) {
            (true, Some(true)) if self.below(&to).next().is_some() => {
                return Err(FsError::NotEmpty);
            }
            (true, Some(false)) => return Err(FsError::NotDirectory),
            (false, Some(true)) => return Err(FsError::IsDirectory),
            _ => {}
        }
        self.check_parent(&from, who)?;
        self.check_parent(&to, who)?;
        if from == to {
            return Ok(());
        }
        let below = self.below(&from);
        let moved: Vec<String> = below.map(|(path, _)| path.to_owned()).collect();
        self.cut(&to);
        for old in std::iter::once(from.clone()).chain(moved) {
            if let Some(node) = self.nodes.remove(&old) {
                self.nodes
                    .insert(format!("{to}{}", &old[from.len()..]), node);
            }
        }
        Ok(())
    }

    /// Changes a node's permission bits.
    pub(super) fn set_mode(&mut self, path: &str, mode: u32) -> Result<()> {
        let resolved = self.resolve(path, true)?;
        if self.is_read_only(&resolved) {
            return Err(FsError::ReadOnly);
        }
        let node = self.nodes.get_mut(&resolved).ok_or(FsError::NotFound)?;
        node.mode = mode;
        Ok(())
    }

    fn check_parent(&self, resolved: &str, who: Who) -> Result<()> {
        let (parent, _) = resolved.rsplit_once('/').unwrap_or_default();
        let parent = if parent.is_empty() { "/" } else { parent };
        let node = self.at(parent).ok_or(FsError::NotFound)?;
        if !node.is_directory() {
            return Err(FsError::NotDirectory);
        }
        if self.is_read_only(resolved) {
            return Err(FsError::ReadOnly);
        }
        let may = allowed(node, who, 0o2);
        may.then_some(()).ok_or(FsError::Denied)
    }

    fn is_read_only(&self, resolved: &str) -> bool {
        let inside = |mount: &str| {
            let rest = resolved.strip_prefix(mount.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mounts = self.mounts.iter().filter(|(mount, _)| inside(mount));
        let nearest = mounts.max_by_key(|(mount, _)| mount.len());
        nearest.is_some_and(|(_, read_only)| *read_only)
    }

    fn cut(&mut self, resolved: &str) {
        let paths: Vec<String> = self.below(resolved).map(|(path, _)| path.into()).collect();
        for path in paths {
            self.nodes.remove(&path);
        }
        self.nodes.remove(resolved);
    }
}
