//! Logs: the end of what a container's main process has written.

mod end;
mod lines;
#[cfg(test)]
mod tests;

pub use lines::Matching;

use crate::{Call, Result, Scope, Service};
use end::End;
use futures_util::StreamExt;
use lines::Lines;
use podlane_engine::{ContainerRef, Error as EngineError, LogQuery, Source};
use std::time::SystemTime;

/// How much of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// So many lines.
    Lines(u64),
    /// Everything that fits into one answer.
    All,
}

/// What of a log to read.
#[derive(Debug, Clone)]
pub struct ReadLogs {
    /// How much of the end of what the others leave.
    pub tail: Tail,
    /// Only what was written after this time.
    pub since: Option<SystemTime>,
    /// Only what was written before this time.
    pub until: Option<SystemTime>,
    /// Only what was written to this output.
    pub only: Option<Source>,
    /// Only lines that match.
    pub matching: Option<Matching>,
    /// Whether it is told when each line was begun.
    pub times: bool,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The container's name.
    pub name: String,
    /// Its lines as text, in the order they were written.
    pub text: String,
    /// Whether wanted lines were left out because an answer has a size limit.
    pub truncated: bool,
}

impl Service {
    /// The last lines of a container's log, or of the part of it that is wanted.
    pub async fn container_logs(
        &self,
        call: &Call,
        name: &ContainerRef,
        read: &ReadLogs,
    ) -> Result<Logs> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let wanted = match read.tail {
            Tail::Lines(lines) => Some(lines),
            Tail::All => None,
        };
        let mut end = End::new(wanted, self.0.limits.log_bytes);
        let mut lines = Lines::new(read, self.0.limits.log_bytes);
        if wanted != Some(0) {
            let query = LogQuery {
                tail: wanted.filter(|_| read.matching.is_none()),
                since: read.since,
                until: read.until,
                only: read.only,
                follow: false,
                times: read.times,
            };
            let read = async {
                let mut pieces = self.0.engine.logs(call, &container.id, &query).await?;
                while let Some(piece) = pieces.next().await {
                    lines.push(piece?, &mut end);
                }
                Ok::<_, EngineError>(())
            };
            tokio::time::timeout_at(call.deadline, read)
                .await
                .map_err(|_| EngineError::Timeout {
                    step: "reading the log".into(),
                    limit: call.limit,
                })??;
        }
        lines.finish(&mut end);
        let truncated = end.truncated;
        Ok(Logs {
            name: container.name,
            text: end.into_text(),
            truncated,
        })
    }
}
