//! Exec: a command in a running container, with a bound on its time and on what is kept of its output.

use crate::live::{Ended, Event, Input};
use crate::{Call, Captured, Error, Result, Scope, Service};
use podlane_engine::{
    Chunk, Command, ContainerRef, ExecPath, ExecSpec, Exit, InnerPath, Process, TerminalSize,
    UserSpec,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// A command and its circumstances.
#[derive(Clone)]
pub struct NewExec {
    /// The command.
    pub command: Command,
    /// The user; `None` for the container's.
    pub user: Option<UserSpec>,
    /// The directory to start in; `None` for the container's.
    pub workdir: Option<InnerPath>,
    /// Variables on top of the container's.
    pub environment: BTreeMap<String, String>,
    /// What it reads.
    pub stdin: Input,
    /// The size of its terminal, if it gets one.
    pub terminal: Option<TerminalSize>,
    /// When to end it, if before the request's own limit.
    pub timeout: Option<Duration>,
    /// Whether an agent in the container may run it.
    pub agent: bool,
}

impl NewExec {
    pub(crate) fn spec(&self) -> ExecSpec {
        ExecSpec {
            command: self.command.clone(),
            user: self.user.clone(),
            workdir: self.workdir.clone(),
            environment: self.environment.clone().into_iter().collect(),
            stdin: self.stdin != Input::Empty,
            open_ended: self.stdin == Input::Open,
            terminal: self.terminal,
            agent: self.agent,
        }
    }
}

impl std::fmt::Debug for NewExec {
    /// Shows neither standard input nor the environment: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewExec")
            .field("user", &self.user)
            .field("workdir", &self.workdir)
            .finish_non_exhaustive()
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote.
    pub output: Captured,
    /// The way on which it was run.
    pub path: ExecPath,
}

impl Service {
    /// Runs a command to its end, or to its time limit; then nothing of it runs any more. The same
    /// holds if the caller goes away.
    pub async fn exec(&self, call: &Call, name: &ContainerRef, exec: NewExec) -> Result<Execution> {
        call.may(Scope::ExecRun)?;
        let _worker = self.0.gate.enter(call).await?;
        let own = exec.timeout.filter(|own| *own < call.remaining());
        let limit = own.unwrap_or_else(|| call.remaining());
        let mut live = self.live_exec(call, name, &exec, Some(limit)).await?;
        let mut output = Captured::new(self.0.limits.output_bytes);
        loop {
            match live.next().await? {
                Event::Output(chunk) => output.push(&chunk),
                // Who has set a limit is told what came until then, also if the request's was reached first.
                Event::Ended(ended) if ended.timed_out && exec.timeout.is_none() => {
                    return Err(timed_out(&ended, call.limit));
                }
                Event::Ended(ended) => {
                    return Ok(Execution {
                        ended,
                        output,
                        path: live.path(),
                    });
                }
            }
        }
    }
}

/// Reads a process to its end, feeding it meanwhile.
pub(crate) async fn drive(
    process: &mut dyn Process,
    stdin: &[u8],
    mut keep: impl FnMut(Chunk),
) -> Result<Exit> {
    let sink = process.take_stdin();
    let feed = async {
        if let Some(mut sink) = sink {
            // A process need not read what it is given.
            let _ = sink.write_all(stdin).await;
            let _ = sink.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        while let Some(chunk) = process.next().await? {
            keep(chunk);
        }
        Ok(process.wait().await?)
    };
    tokio::select! {
        ended = read => ended,
        () = feed => Err(Error::Stopping),
    }
}

/// The request's own limit has ended the command.
fn timed_out(ended: &Ended, limit: Duration) -> Error {
    let names: Vec<String> = ended
        .survivors
        .iter()
        .map(|left| format!("{} (PID {})", left.name, left.pid))
        .collect();
    let names = names.join(", ");
    let left = if names.is_empty() {
        "it was ended with all that it had started".to_owned()
    } else if ended.survivors.iter().all(|left| left.paused) {
        format!(
            "the container is paused, and these of its processes end when it is unpaused: {names}"
        )
    } else {
        format!("these of its processes could not be ended: {names}")
    };
    Error::ExecTimeout {
        message: format!(
            "the command did not finish within the request's {} seconds; {left}",
            limit.as_secs_f64()
        ),
    }
}
