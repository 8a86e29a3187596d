//! What is in a directory.

use super::reach::Way;
use super::{At, FileInfo, outside_kernel};
use crate::work::Work;
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{self, Entry};

/// What of a directory is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFiles {
    /// How far below: 1 for what is in it.
    pub depth: u32,
    /// A shell pattern that paths below it must fit.
    pub pattern: Option<String>,
    /// Only what comes after this path, relative to the directory, in the order of the list.
    pub after: Option<Vec<u8>>,
    /// How many entries, at most.
    pub limit: u32,
}

/// A part of a list, sorted by the names in the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileList {
    /// What was found; paths are relative to the directory.
    pub entries: Vec<FileInfo>,
    /// Whether there is more behind the last entry.
    pub more: bool,
}

impl Service {
    /// Lists a directory, and what is below it.
    pub async fn list_files(&self, call: &Call, at: &At, wanted: ListFiles) -> Result<FileList> {
        call.may(Scope::FilesRead)?;
        outside_kernel(&at.path)?;
        let work = inside::Work::List {
            path: at.path.as_str().into(),
            depth: wanted.depth,
            pattern: wanted.pattern.clone(),
            after: wanted.after.clone(),
            limit: wanted.limit,
        };
        match self.reach(call, at).await?.way(&work).await? {
            Way::Agent(work) => by_agent(work, wanted.limit).await,
            Way::Archive(archived) => archived.list(&at.path, &wanted).await,
        }
    }
}

async fn by_agent(mut work: Work, limit: u32) -> Result<FileList> {
    let mut entries = Vec::new();
    while entries.len() <= limit as usize
        && let Some(entry) = work.record::<Entry>().await?
    {
        entries.push(entry.into());
    }
    let more = work.only::<inside::Listed>().await? == inside::Listed::More;
    Ok(FileList { entries, more })
}
