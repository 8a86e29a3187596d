//! The end of a command, from the service's nouns to the wire's.

use crate::refusal::Refusal;
use podlane_api::{ExecEnd, Survivor, Usage};
use podlane_service::Ended;
use std::time::Duration;

/// How a command ended.
pub(crate) fn end(ended: &Ended) -> ExecEnd {
    ExecEnd {
        exit_code: ended.exit.code,
        signal: ended.exit.signal,
        duration_ms: u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX),
        timed_out: ended.timed_out,
        killed: ended.killed,
        survivors: ended.survivors.iter().map(survivor).collect(),
        usage: ended.exit.usage.map(usage),
    }
}

pub(crate) fn survivor(survivor: &podlane_engine::Survivor) -> Survivor {
    Survivor {
        pid: survivor.pid,
        name: survivor.name.clone(),
        paused: survivor.paused,
    }
}

pub(crate) fn usage(usage: podlane_engine::Usage) -> Usage {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Usage {
        user_us: micros(usage.user),
        system_us: micros(usage.system),
        max_rss_bytes: usage.max_rss,
    }
}

pub(crate) fn path(path: podlane_engine::ExecPath) -> podlane_api::ExecPath {
    match path {
        podlane_engine::ExecPath::Fd => podlane_api::ExecPath::Fd,
        podlane_engine::ExecPath::Stream => podlane_api::ExecPath::Stream,
        podlane_engine::ExecPath::Engine => podlane_api::ExecPath::Engine,
    }
}

/// The short form of a container's ID.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The size of a terminal; `prefix` stands before the names of its fields in a refusal.
pub(crate) fn terminal(
    prefix: &'static str,
    size: podlane_api::TerminalSize,
) -> Result<podlane_engine::TerminalSize, Refusal> {
    for (name, value) in [("columns", size.columns), ("rows", size.rows)] {
        if value == 0 {
            let field = format!("{prefix}{name}");
            let message = format!("`{field}` must be 1 or more");
            return Err(Refusal::field(field, message));
        }
    }
    Ok(podlane_engine::TerminalSize {
        columns: size.columns,
        rows: size.rows,
    })
}
