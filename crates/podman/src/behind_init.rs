//! Whether the program behind the engine's init came to run.
//!
//! That a program does not exist a runtime says at the start. An init as PID 1 does exist: it finds out
//! afterwards, says so in the log and ends. So it is looked at until it has become two processes, or none.

use crate::answers::InspectedContainer;
use crate::{PodmanEngine, host, requests};
use futures_util::TryStreamExt;
use podlane_engine::{Call, Container, ContainerId, ContainerRef, Engine, Error, LogQuery, Result};
use std::fs;
use std::time::Duration;
use tokio::time::Instant;

/// How long an init may take to start its program, where it can be looked at.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long to ask the engine whether it has ended, where it can't.
const UNSEEN: Duration = Duration::from_millis(100);
/// Between two looks at an init, and between two questions to the engine.
const LOOK: Duration = Duration::from_millis(1);
const ASK: Duration = Duration::from_millis(5);
/// How the inits that engines use begin their last words. Sources: catatonit.c, `main`; tini.c, `spawn_process`.
const LAST_WORDS: [&str; 2] = ["failed to exec pid1: ", "[FATAL tini ("];
/// As much of a log as its last words can be in.
const MAX_LOG: usize = 4096;

/// How far an init has come.
#[derive(PartialEq, Eq)]
enum Progress {
    /// Its program runs.
    Started,
    /// It is there, its program not yet.
    Starts,
    /// It is there no more, and the engine has not noted it.
    Ends,
    /// It runs where it can't be seen.
    Unseen,
}

impl PodmanEngine {
    /// A container just started with an init, once its program runs or has ended by itself, or that
    /// can't be found out; an error if the program can't be started.
    pub(crate) async fn behind_init(&self, call: &Call, id: &ContainerId) -> Result<Container> {
        let began = Instant::now();
        loop {
            let request = requests::inspect_container(&ContainerRef::from(id));
            let inspected: InspectedContainer = self.connection().json(call, &request).await?;
            let Some(pid) = inspected.pid() else {
                return match self.last_words(call, id).await {
                    Some(reason) => Err(Error::Invalid {
                        field: "command",
                        message: format!(
                            "the command's program can't be started in the image: {reason}"
                        ),
                        conflict: false,
                    }),
                    None => inspected.container(),
                };
            };
            let monitor = inspected.monitor();
            let mut now = progress(pid, monitor, id);
            while now == Progress::Starts && began.elapsed() < PATIENCE {
                tokio::time::sleep(LOOK).await;
                now = progress(pid, monitor, id);
            }
            let patience = match now {
                Progress::Started => return inspected.container(),
                Progress::Starts | Progress::Ends => PATIENCE,
                Progress::Unseen => UNSEEN,
            };
            if began.elapsed() > patience {
                return inspected.container();
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// What an init said when it could not start its program; `None` if it could.
    async fn last_words(&self, call: &Call, id: &ContainerId) -> Option<String> {
        let mut chunks = self.logs(call, id, &LogQuery::default()).await.ok()?;
        let mut log = Vec::new();
        while let Ok(Some(chunk)) = chunks.try_next().await {
            log.extend_from_slice(&chunk.data);
            if log.len() > MAX_LOG {
                return None;
            }
        }
        let log = String::from_utf8_lossy(&log);
        let says = |line: &&str| LAST_WORDS.iter().any(|words| line.contains(words));
        let line = log.lines().find(says)?;
        Some(line.rsplit(": ").next().unwrap_or(line).to_owned())
    }
}

fn progress(pid: i32, monitor: Option<i32>, id: &ContainerId) -> Progress {
    let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let seen = || {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        Some((children, program(&pid.to_string())?))
    };
    let seen = host::sees(pid, id.as_str()).then(seen).flatten();
    let Some((children, init)) = seen else {
        // Its monitor lives until the engine has been told of its end.
        let ends = monitor.is_some_and(|monitor| host::sees_monitor(monitor, id.as_str()));
        return if ends {
            Progress::Ends
        } else {
            Progress::Unseen
        };
    };
    let mut others = children.split_whitespace().filter_map(program);
    if others.any(|other| other != init) {
        Progress::Started
    } else {
        Progress::Starts
    }
}
