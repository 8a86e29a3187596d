//! What can go wrong at an engine, by meaning. No status numbers, no engine's wording to match on.

use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A path inside a container.
    Path,
    /// A volume.
    Volume,
    /// A network.
    Network,
    /// A secret.
    Secret,
    /// A pod.
    Pod,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Path => "path",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Secret => "secret",
            Self::Pod => "pod",
        })
    }
}

/// Why an engine call failed.
#[derive(Debug, Error)]
pub enum Error {
    /// What the call is about does not exist.
    #[error("{resource} \"{name}\" not found")]
    NotFound {
        /// What kind of thing.
        resource: Resource,
        /// What it was called.
        name: String,
    },
    /// The wanted name belongs to another one.
    #[error("the name \"{name}\" is already in use by another {resource}")]
    NameInUse {
        /// What kind of thing.
        resource: Resource,
        /// That name.
        name: String,
    },
    /// Something else needs it, so that it can't be removed.
    #[error("the {resource} \"{name}\" is in use by a container")]
    InUse {
        /// What kind of thing.
        resource: Resource,
        /// What it is called.
        name: String,
    },
    /// The container's state forbids it: not running, paused, running without force.
    #[error("{message}")]
    WrongState {
        /// What state it is in and what it should be, for people.
        message: String,
    },
    /// A value that only the engine could judge is wrong: a user or directory that does not exist
    /// inside, a host port that is taken.
    #[error("{message}")]
    Invalid {
        /// The field of the request, by its wire name.
        field: &'static str,
        /// What is wrong and what would be right, for people.
        message: String,
        /// Whether waiting or stopping something else would make it right.
        conflict: bool,
    },
    /// This engine can't do that, or not on this host; another one could.
    #[error("{what} can't be had here: {reason}")]
    Unsupported {
        /// What, for people.
        what: &'static str,
        /// Why not, for people.
        reason: String,
    },
    /// A file system in the way can't be written.
    #[error("{message}")]
    ReadOnly {
        /// Which, for people.
        message: String,
    },
    /// No space is left where the engine or the container stores its files.
    #[error("no space left: {message}")]
    NoSpace {
        /// Where, for people.
        message: String,
    },
    /// An image's registry could not be reached, or refused.
    #[error("the image can't be fetched: {message}")]
    Registry {
        /// Why, in the engine's words.
        message: String,
    },
    /// The engine did not finish in time. Its work has been ended or undone where that is possible;
    /// the message says where not.
    #[error("{step} did not finish within {} seconds", .limit.as_secs_f64())]
    Timeout {
        /// Which step was under way, for people.
        step: String,
        /// The time limit.
        limit: Duration,
    },
    /// The engine can't be reached, or went away in mid-answer.
    #[error("can't reach the engine while {step}: {reason}")]
    Unavailable {
        /// Which step was under way, for people.
        step: String,
        /// Why, for people.
        reason: String,
    },
    /// The engine's answer makes no sense.
    #[error("the engine's answer to {step} makes no sense: {reason}")]
    Garbled {
        /// Which step was under way, for people.
        step: String,
        /// What was wrong with it, for people.
        reason: String,
    },
    /// The engine refused or failed, for a reason that it gives in its own words.
    #[error("{step} failed: {message}")]
    Failed {
        /// Which step was under way, for people.
        step: String,
        /// The engine's words.
        message: String,
    },
}
