//! Exec: a command in a running container, with a bound on its time and on what is kept of its output.

use crate::command::{GREETING, check, check_size, check_workdir};
use crate::{Captured, Command, Error, Result, Service};
use bytes::Buf;
use podlane_engine::{
    Call, Chunk, ContainerId, ContainerRef, Error as EngineError, ExecSpec, InnerPath, Process,
    Source, StartFailure, Termination, UserSpec,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

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
    /// What its standard input holds.
    pub stdin: Vec<u8>,
    /// When to end it, if before the request's own limit.
    pub timeout: Option<Duration>,
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
    /// Its exit code; 128 + signal if a signal ended it.
    pub exit_code: i32,
    /// What it wrote.
    pub output: Captured,
    /// How long it ran.
    pub duration: Duration,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
}

/// What is kept of our own words about a program that is not there: its name may be long.
const MAX_COMPLAINT: usize = 256 * 1024;
/// What a shell answers for a command that a signal has ended: 128 and the signal's number.
const KILLED: i32 = 128 + 9;

/// How one attempt to run an argument vector ended.
enum Outcome {
    /// By itself, or by its own time limit.
    Ended(Execution),
    /// It never began: there is no such program.
    NoProgram,
}

impl Service {
    /// Runs a command to its end, or to its time limit; then nothing of it runs any more. The same
    /// holds if the caller goes away.
    pub async fn exec(&self, call: &Call, name: &ContainerRef, exec: NewExec) -> Result<Execution> {
        check(&exec.command)?;
        check_size(&exec)?;
        check_workdir(exec.workdir.as_ref())?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.0.engine.inspect(call, name).await?;
        if let Some(argv) = exec.command.through_shell(!exec.stdin.is_empty()) {
            let outcome = self.attempt(call, &container.id, &exec, argv, true).await?;
            if let Outcome::Ended(execution) = outcome {
                return Ok(execution);
            }
        }
        let argv = exec.command.words()?;
        let outcome = self
            .attempt(call, &container.id, &exec, argv.clone(), false)
            .await?;
        Ok(outcome.or_not_found(&argv))
    }

    async fn attempt(
        &self,
        call: &Call,
        id: &ContainerId,
        exec: &NewExec,
        argv: Vec<String>,
        greeted: bool,
    ) -> Result<Outcome> {
        let program = argv[0].clone();
        let spec = ExecSpec {
            argv,
            user: exec.user.clone(),
            workdir: exec.workdir.clone(),
            environment: exec.environment.clone().into_iter().collect(),
            stdin: !exec.stdin.is_empty(),
        };
        let began = Instant::now();
        let own = exec.timeout.map(|timeout| began + timeout);
        let deadline = own.map_or(call.deadline, |own| own.min(call.deadline));
        let mut process = self.0.engine.exec(call, id, &spec).await?;
        let mut output = Captured::new(self.0.limits.output_bytes);
        let mut greeted = greeted;
        let keep = |mut chunk: Chunk| {
            if greeted && chunk.source == Source::Stderr {
                greeted = false;
                if chunk.data.first() == Some(&GREETING) {
                    chunk.data.advance(1);
                }
            }
            output.push(&chunk);
        };
        let ended = tokio::select! {
            ended = drive(process.as_mut(), &exec.stdin, keep) => Some(ended?),
            () = tokio::time::sleep_until(deadline) => None,
            () = self.0.stopping.cancelled() => {
                process.kill().await;
                return Err(Error::Stopping);
            }
        };
        let execution = |exit_code, output, timed_out| {
            Outcome::Ended(Execution {
                exit_code,
                output,
                duration: began.elapsed(),
                timed_out,
            })
        };
        let Some(exit_code) = ended else {
            let ended = process.kill().await;
            if own.is_some_and(|own| own <= call.deadline) && ended == Termination::Complete {
                return Ok(execution(KILLED, output, true));
            }
            return Err(Error::ExecTimeout {
                message: timeout_message(began.elapsed(), ended),
            });
        };
        match process.start_failure() {
            None => Ok(execution(exit_code, output, false)),
            Some(StartFailure::NoProgram) => Ok(Outcome::NoProgram),
            Some(StartFailure::NotExecutable) => {
                output.push(&complaint(&program, "can't be executed"));
                Ok(execution(126, output, false))
            }
            Some(StartFailure::NoDirectory) => {
                let workdir = exec
                    .workdir
                    .as_ref()
                    .map_or("the container's own", InnerPath::as_str);
                let message = format!(
                    "the directory {workdir} does not exist in the container or can't be entered"
                );
                Err(Error::invalid("workdir", message))
            }
            Some(StartFailure::Other(message)) => Err(Error::Engine(EngineError::Failed {
                step: "starting the command".into(),
                message: message.clone(),
            })),
        }
    }
}

impl Outcome {
    /// Like a shell: code 127 and a word on standard error for a program that is not there.
    fn or_not_found(self, argv: &[String]) -> Execution {
        match self {
            Self::Ended(execution) => execution,
            Self::NoProgram => {
                let mut output = Captured::new(MAX_COMPLAINT);
                output.push(&complaint(&argv[0], "not found"));
                Execution {
                    exit_code: 127,
                    output,
                    duration: Duration::ZERO,
                    timed_out: false,
                }
            }
        }
    }
}

/// Feeds the process, reads what it writes, and waits for its end.
pub(crate) async fn drive(
    process: &mut dyn Process,
    stdin: &[u8],
    mut keep: impl FnMut(Chunk),
) -> Result<i32> {
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

fn complaint(program: &str, what: &str) -> Chunk {
    Chunk {
        source: Source::Stderr,
        data: format!("{program}: {what}\n").into(),
    }
}

fn timeout_message(after: Duration, ended: Termination) -> String {
    let left = match ended {
        Termination::Complete => "it was ended with all that it had started".to_owned(),
        Termination::Survivors(count) => format!("{count} of its processes could not be ended"),
        Termination::Unproven => "whether all of it has ended could not be found out".to_owned(),
    };
    format!(
        "the command did not finish within {:.1} seconds; {left}",
        after.as_secs_f64()
    )
}
