//! Paths gone name by name: asked for one with a link in it, an engine goes wherever that leads.

use super::{Archived, failure};
use crate::Result;
use crate::files::outside_kernel;
use podlane_engine::inside::Reason;
use podlane_engine::{FileKind, FileStat, InnerPath};
use std::sync::PoisonError;

/// How many links a path may have. Source: `path_resolution(7)`.
const MOST: u32 = 40;

/// What is done with a link that a path ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// It is what is meant.
    Itself,
    /// What it leads to is meant, if that is there.
    Followed,
}

/// Where a path is.
#[derive(Debug)]
pub(super) struct Spot {
    /// Without links, but for a last one that is meant itself.
    pub(super) path: InnerPath,
    /// What is there; `None` if nothing is.
    pub(super) stat: Option<FileStat>,
    /// The first directory above it that is not there.
    missing: Option<InnerPath>,
}

impl Spot {
    /// What must be there.
    pub(super) fn found(&self) -> Result<&FileStat> {
        let found = self.stat.as_ref();
        found.ok_or_else(|| failure(Reason::NotFound, self.path.as_str()))
    }

    /// The directory that something is put into, and its name there.
    pub(super) fn directory(&self, parents: bool) -> Result<(InnerPath, String)> {
        let Some((directory, name)) = self.path.split() else {
            return Err(failure(Reason::IsDirectory, self.path.as_str()));
        };
        match &self.missing {
            Some(missing) if !parents => Err(failure(Reason::NotFound, missing.as_str())),
            _ => Ok((directory, name.to_owned())),
        }
    }
}

impl Archived {
    /// Goes to a path. Who swaps a directory for a link meanwhile can lead what follows elsewhere in the
    /// container, but not its parts into two places.
    pub(super) async fn resolve(&self, path: &InnerPath, link: Link) -> Result<Spot> {
        let mut ahead = backwards(path);
        let mut here = InnerPath::root();
        let mut stat = None;
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            let next = here.join(&name);
            let last = ahead.is_empty();
            if !last && self.is_passed(&next) {
                here = next;
                continue;
            }
            let Some(found) = self.look(&next).await? else {
                return Ok(Spot {
                    path: onward(&next, &ahead),
                    stat: None,
                    missing: (!last).then_some(next),
                });
            };
            match found.kind {
                FileKind::Symlink if !last || link == Link::Followed => {
                    links += 1;
                    let target = found.target.filter(|_| links <= MOST);
                    let Some(target) = target else {
                        return Err(failure(Reason::Circle, path.as_str()));
                    };
                    outside_kernel(&onward(&target, &ahead))?;
                    ahead.extend(backwards(&target));
                    here = InnerPath::root();
                    stat = None;
                }
                FileKind::Directory => {
                    self.pass(&next);
                    here = next;
                    stat = Some(found);
                }
                _ if last => {
                    return Ok(Spot {
                        path: next,
                        stat: Some(found),
                        missing: None,
                    });
                }
                _ => return Err(failure(Reason::NotDirectory, path.as_str())),
            }
        }
        if stat.is_none() {
            stat = self.look(&here).await?;
        }
        Ok(Spot {
            path: here,
            stat,
            missing: None,
        })
    }

    /// What a path leads to, and where that is.
    pub(in crate::files) async fn follow(&self, path: &InnerPath) -> Result<(InnerPath, FileStat)> {
        let spot = self.resolve(path, Link::Followed).await?;
        let stat = spot.found()?.clone();
        Ok((spot.path, stat))
    }

    /// Whether it was a directory a moment ago.
    fn is_passed(&self, path: &InnerPath) -> bool {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.contains(path)
    }

    fn pass(&self, path: &InnerPath) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.insert(path.clone());
    }
}

/// The names of a path, last one first.
fn backwards(path: &InnerPath) -> Vec<String> {
    let names = path.as_str().rsplit('/').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// A path and the names behind it, last one first.
fn onward(path: &InnerPath, ahead: &[String]) -> InnerPath {
    let names = ahead.iter().rev();
    names.fold(path.clone(), |path, name| path.join(name))
}
