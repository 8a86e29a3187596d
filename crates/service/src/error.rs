//! Why an operation failed, by what its reader can do about it. No word of HTTP.

use crate::{Finding, Repetition, Scope};
use podlane_engine::InvalidName;
use podlane_engine::inside::Failure;
use std::time::Duration;
use thiserror::Error;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The engine could not, or would not.
    #[error(transparent)]
    Engine(#[from] podlane_engine::Error),
    /// A field of the request has a value that can't be right.
    #[error("{message}")]
    Invalid {
        /// The field, by its wire name.
        field: &'static str,
        /// What is wrong and what would be right, for people.
        message: String,
    },
    /// Nobody knows who asks.
    #[error("{reason}")]
    Unidentified {
        /// Why, for people.
        reason: &'static str,
    },
    /// There is no such token.
    #[error("there is no token {id}")]
    NoToken {
        /// The one asked for; an ID in form.
        id: String,
    },
    /// The caller may not do that.
    #[error("this needs the scope {scope}, which the caller does not have")]
    Denied {
        /// What it would have to be allowed.
        scope: Scope,
    },
    /// The caller sees a part of the machine only.
    #[error("{what} is not for a caller who is kept within a tenant or a name prefix")]
    Bounded {
        /// What is about more than that part, for people.
        what: &'static str,
    },
    /// The policy forbids it.
    #[error("{}", findings_text(.findings))]
    Forbidden {
        /// What of it, and by which rule.
        findings: Vec<Finding>,
    },
    /// The tenant has as much of something as its quota allows, for now.
    #[error("{limit} {what}, as many as its quota allows")]
    TooMany {
        /// Of what, for people.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
        /// When it is sensible to try again.
        retry_after: Duration,
    },
    /// What was to be made is there already, or something else is in its place.
    #[error("{message}")]
    Conflict {
        /// What is in the way, for people.
        message: String,
    },
    /// More than may be kept in memory or sent at once.
    #[error("{message}")]
    TooLarge {
        /// Which bound, for people.
        message: String,
    },
    /// Too many operations are under way and waiting.
    #[error("all {workers} workers are busy and {queued} requests are waiting")]
    Busy {
        /// How many workers there are.
        workers: usize,
        /// How many requests wait for one.
        queued: usize,
        /// When it is sensible to try again.
        retry_after: Duration,
    },
    /// As many of something are there as the server allows.
    #[error("there are {limit} {what} already, as many as the server allows")]
    Full {
        /// Of what, for people.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
        /// The setting that says so.
        setting: &'static str,
    },
    /// A request with an idempotency key has no answer of its own.
    #[error("{0}")]
    Repeated(Repetition),
    /// No background command can be kept.
    #[error("{message}")]
    Unkept {
        /// Why, for people.
        message: &'static str,
        /// Why, for the log.
        reason: String,
    },
    /// There is no such background command.
    #[error("there is no background command {id}")]
    NoExec {
        /// The one asked for; an ID in form.
        id: String,
    },
    /// A background command was lost sight of.
    #[error("the command was lost: {reason}")]
    Lost {
        /// Why, for people.
        reason: String,
    },
    /// No recording has that name.
    #[error("there is no such recording")]
    NoRecording,
    /// There is no such registry.
    #[error("there is no registry \"{name}\"")]
    NoRegistry {
        /// The one asked for; a name in form.
        name: String,
    },
    /// There is no such webhook.
    #[error("there is no such webhook")]
    NoWebhook,
    /// A webhook has no such message.
    #[error("the webhook has no such delivery")]
    NoDelivery,
    /// The command did not end within the time limit and was ended.
    #[error("{message}")]
    ExecTimeout {
        /// What was ended and what of it may still run, for people.
        message: String,
    },
    /// A tool inside the container failed.
    #[error("{step} failed in the container: {output}")]
    Inside {
        /// What was tried, for people.
        step: &'static str,
        /// What it said; never with a secret in it.
        output: String,
    },
    /// Rows of a request with many can't be done, so none was.
    #[error("{}", problems(.0))]
    Rows(Vec<RowProblem>),
    /// A container's accounts are its agent's to change, and it has none just now.
    #[error(
        "the container runs, but no agent could be started in it, and without one its accounts can't be changed"
    )]
    NoAgent {
        /// When it is sensible to try again.
        retry_after: Duration,
    },
    /// There is no such account.
    #[error("there is no user \"{name}\" in the container")]
    NoUser {
        /// The one asked for; a name in form.
        name: String,
    },
    /// Something in the container's file system stands against it.
    #[error("{}", crate::work::words(.0))]
    File(Failure),
    /// What the caller gave broke off, or was not what it should be.
    #[error("what was sent can't be used: {0}")]
    Given(#[source] std::io::Error),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// Our own machinery failed.
    #[error("{step} failed: {reason}")]
    Internal {
        /// Which step was under way.
        step: &'static str,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// A wrong value of `field`.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    /// A wrong name in `field`; for `map_err`.
    pub fn name_in(field: &'static str) -> impl FnOnce(InvalidName) -> Self {
        move |wrong| Self::invalid(field, wrong.to_string())
    }
}

/// How many rows a message speaks of.
const SPOKEN_OF: usize = 20;

/// Why a row of a request can't be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Which one, from 0.
    pub row: usize,
    /// The field, by its wire name.
    pub field: &'static str,
    /// What is wrong and what would be right, for people.
    pub message: String,
    /// Whether it is what is there that stands against it.
    pub conflict: bool,
}

impl RowProblem {
    pub(crate) fn new(row: usize, field: &'static str, message: String, conflict: bool) -> Self {
        Self {
            row,
            field,
            message,
            conflict,
        }
    }

    /// The same of the only row.
    pub(crate) fn alone(self) -> Error {
        let message = self.message;
        if self.conflict {
            Error::Conflict { message }
        } else {
            Error::invalid(self.field, message)
        }
    }
}

fn findings_text(findings: &[Finding]) -> String {
    let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn problems(rows: &[RowProblem]) -> String {
    let said = rows.iter().take(SPOKEN_OF);
    let said = said.map(|problem| {
        let RowProblem {
            row,
            field,
            message,
            ..
        } = problem;
        format!("users[{row}].{field}: {message}")
    });
    let mut text = said.collect::<Vec<_>>().join("; ");
    if let Some(more @ 1..) = rows.len().checked_sub(SPOKEN_OF) {
        text = format!("{text}; and {more} more");
    }
    text
}
