//! What can be wrong with a configuration. Every message says where the mistake is and what would be right.

use super::Origin;
use std::fmt;
use std::path::PathBuf;

/// Everything that is wrong with a configuration, found in one go; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Vec<Problem>);

impl Error {
    /// The problems, in the order they were found.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file that was asked for, or that exists, can't be read.
    #[error("can't read the configuration file {}: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why, in the system's words.
        reason: String,
    },
    /// A file is not TOML.
    #[error("{}:{line}: {reason}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A file sets something that does not exist.
    #[error(
        "{}:{line}: there is no setting \"{key}\"{}",
        .file.display(),
        .nearest.map_or_else(
            || "; `podlane config --default` lists them all".to_owned(),
            |name| format!(", did you mean \"{name}\"?"),
        )
    )]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The unknown key, with its table.
        key: String,
        /// The known key most like it.
        nearest: Option<&'static str>,
    },
    /// A setting has a value that it can't have.
    #[error("{key} is {shown} ({origin}): {right}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Its value, as written.
        shown: String,
        /// Where it was set.
        origin: Origin,
        /// What would be right.
        right: String,
    },
    /// The listener could be reached by other machines, and nobody said that this is meant.
    #[error(
        "listen is \"{address}\" ({origin}), where other machines can connect, and with auth = \"off\" \
         nobody asks who they are: whoever connects controls the containers and the account that runs them. \
         Listen on 127.0.0.1:{} instead, or say that this is meant with --insecure-no-auth \
         (insecure_no_auth = true in a file)",
        .address.port()
    )]
    OpenListener {
        /// The address.
        address: std::net::SocketAddr,
        /// Where it was set.
        origin: Origin,
    },
}
