//! Exec: a command in a running container, with a bound on its time and on what is kept of its output.

use crate::command::check;
use crate::{Captured, Error, Result, Service, words};
use podlane_engine::{
    Call, Chunk, Command, ContainerId, ContainerRef, Error as EngineError, ExecPath, ExecSpec,
    Exit, InnerPath, Process, Source, StartFailure, Survivor, Termination, UserSpec,
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
    /// Whether an agent in the container may run it.
    pub agent: bool,
}

impl NewExec {
    fn spec(&self) -> ExecSpec {
        ExecSpec {
            command: self.command.clone(),
            user: self.user.clone(),
            workdir: self.workdir.clone(),
            environment: self.environment.clone().into_iter().collect(),
            stdin: !self.stdin.is_empty(),
            terminal: None,
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
    /// Its exit code, and what else is known of its end.
    pub exit: Exit,
    /// What it wrote.
    pub output: Captured,
    /// How long it ran.
    pub duration: Duration,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
    /// Whether asking it to end was not enough.
    pub killed: bool,
    /// What of it could not be ended.
    pub survivors: Vec<Survivor>,
    /// The way on which it was run.
    pub path: ExecPath,
}

/// What is kept of our own words about a program that is not there: its name may be long.
const MAX_COMPLAINT: usize = 256 * 1024;
/// How long an ended command's last output and exit code may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// What a shell answers for a command that a signal has ended: 128 and the signal's number.
const KILLED: i32 = 128 + 9;

/// How one attempt to run a command ended.
enum Outcome {
    /// By itself, or by its own time limit.
    Ended(Execution),
    /// It never began: there is no such program, or no shell.
    NoProgram(ExecPath),
}

impl Service {
    /// Runs a command to its end, or to its time limit; then nothing of it runs any more. The same
    /// holds if the caller goes away.
    pub async fn exec(&self, call: &Call, name: &ContainerRef, exec: NewExec) -> Result<Execution> {
        check(&exec)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.0.engine.resolve(call, name).await?;
        match self.attempt(call, &id, &exec).await? {
            Outcome::Ended(execution) => Ok(execution),
            Outcome::NoProgram(path) => {
                let Command::Shell(line) = &exec.command else {
                    return Ok(not_found(exec.command.program(), path));
                };
                let command = Command::Argv(words(line)?);
                let program = command.program().to_owned();
                let exec = NewExec { command, ..exec };
                match self.attempt(call, &id, &exec).await? {
                    Outcome::Ended(execution) => Ok(execution),
                    Outcome::NoProgram(path) => Ok(not_found(&program, path)),
                }
            }
        }
    }

    async fn attempt(&self, call: &Call, id: &ContainerId, exec: &NewExec) -> Result<Outcome> {
        let began = Instant::now();
        let own = exec.timeout.map(|timeout| began + timeout);
        let deadline = own.map_or(call.deadline, |own| own.min(call.deadline));
        let mut process = self.0.engine.exec(call, id, &exec.spec()).await?;
        let mut output = Captured::new(self.0.limits.output_bytes);
        let ended = tokio::select! {
            ended = drive(process.as_mut(), &exec.stdin, |chunk| output.push(&chunk)) => Some(ended?),
            () = tokio::time::sleep_until(deadline) => None,
            () = self.0.stopping.cancelled() => {
                process.control().terminate(Duration::ZERO).await;
                return Err(Error::Stopping);
            }
        };
        let mut execution = Execution {
            exit: Exit::of(KILLED),
            output,
            duration: began.elapsed(),
            timed_out: ended.is_none(),
            killed: false,
            survivors: Vec::new(),
            path: process.path(),
        };
        let Some(exit) = ended else {
            let ended = process.control().terminate(self.0.limits.kill_grace).await;
            let ours = own.is_some_and(|own| own <= call.deadline);
            if !ours || ended == Termination::Unproven {
                return Err(Error::ExecTimeout {
                    message: timeout_message(began.elapsed(), &ended),
                });
            }
            if ended.is_complete() {
                let rest = drive(process.as_mut(), &[], |chunk| execution.output.push(&chunk));
                if let Ok(Ok(exit)) = tokio::time::timeout(LAST_WORDS, rest).await {
                    execution.exit = exit;
                }
            }
            execution.duration = began.elapsed();
            execution.killed = ended != Termination::Complete { killed: false };
            if let Termination::Survivors(survivors) = ended {
                execution.survivors = survivors;
            }
            return Ok(Outcome::Ended(execution));
        };
        execution.exit = exit;
        match process.start_failure() {
            None => {}
            Some(StartFailure::NoProgram) => return Ok(Outcome::NoProgram(process.path())),
            Some(StartFailure::NotExecutable) => {
                let words = complaint(exec.command.program(), "can't be executed");
                execution.output.push(&words);
            }
            Some(failure) => return Err(not_started(failure, exec.workdir.as_ref())),
        }
        Ok(Outcome::Ended(execution))
    }
}

/// Why a command was not started at all, as an error.
pub(crate) fn not_started(failure: &StartFailure, workdir: Option<&InnerPath>) -> Error {
    match failure {
        StartFailure::NoDirectory => {
            let workdir = workdir.map_or("the container's own", InnerPath::as_str);
            let message = format!(
                "the directory {workdir} does not exist in the container or can't be entered"
            );
            Error::invalid("workdir", message)
        }
        StartFailure::NoProgram => Error::invalid("command", "there is no such program"),
        StartFailure::NotExecutable => {
            Error::invalid("command", "the program can't be executed by that user")
        }
        StartFailure::Other(message) => Error::Engine(EngineError::Failed {
            step: "starting the command".into(),
            message: message.clone(),
        }),
    }
}

/// Like a shell: code 127 and a word on standard error for a program that is not there.
fn not_found(program: &str, path: ExecPath) -> Execution {
    let mut output = Captured::new(MAX_COMPLAINT);
    output.push(&complaint(program, "not found"));
    Execution {
        exit: Exit::of(127),
        output,
        duration: Duration::ZERO,
        timed_out: false,
        killed: false,
        survivors: Vec::new(),
        path,
    }
}

/// Feeds the process, reads what it writes, and waits for its end.
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

fn complaint(program: &str, what: &str) -> Chunk {
    Chunk {
        source: Source::Stderr,
        data: format!("{program}: {what}\n").into(),
    }
}

fn timeout_message(after: Duration, ended: &Termination) -> String {
    let left = match ended {
        Termination::Complete { .. } => "it was ended with all that it had started".to_owned(),
        Termination::Survivors(left) => {
            let names: Vec<String> = left
                .iter()
                .map(|left| format!("{} (PID {})", left.name, left.pid))
                .collect();
            format!(
                "these of its processes could not be ended: {}",
                names.join(", ")
            )
        }
        Termination::Unproven => "whether all of it has ended could not be found out".to_owned(),
    };
    format!(
        "the command did not finish within {:.1} seconds; {left}",
        after.as_secs_f64()
    )
}
