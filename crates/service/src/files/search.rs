//! Lines of files that hold something.

use super::{At, outside_kernel};
use crate::{Call, Result, Scope, Service};
use podlane_engine::inside::{Found, Match, Work};

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFiles {
    /// The text, or the regular expression.
    pub pattern: String,
    /// Whether it is a regular expression.
    pub expression: bool,
    /// Whether upper and lower case are one.
    pub ignore_case: bool,
    /// A shell pattern that the names of files must fit.
    pub names: Option<String>,
    /// How many lines, at most.
    pub limit: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The lines.
    pub matches: Vec<Match>,
    /// How much was searched.
    pub found: Found,
}

impl Service {
    /// Searches a file, or all files below a directory. It needs an agent.
    pub async fn search_files(
        &self,
        call: &Call,
        at: &At,
        wanted: SearchFiles,
    ) -> Result<Searched> {
        call.may(Scope::FilesRead)?;
        outside_kernel(&at.path)?;
        let limit = wanted.limit;
        let work = Work::Search {
            path: at.path.as_str().into(),
            pattern: wanted.pattern,
            expression: wanted.expression,
            ignore_case: wanted.ignore_case,
            names: wanted.names,
            limit,
            file_limit: self.0.limits.file_bytes as u64,
        };
        let mut work = self.reach(call, at).await?.agent(&work).await?;
        let mut matches = Vec::new();
        while matches.len() <= limit as usize
            && let Some(found) = work.record::<Match>().await?
        {
            matches.push(found);
        }
        let found = work.only::<Found>().await?;
        Ok(Searched { matches, found })
    }
}
