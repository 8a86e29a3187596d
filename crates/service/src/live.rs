//! A command whose output is read while it runs.

use crate::exec::NewExec;
use crate::lifetime::InUse;
use crate::policy::Allowance;
use crate::recordings::Recorder;
use crate::{Audited, Call, Error, Result, Service, words};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use podlane_engine::{
    Chunk, Command, ContainerId, ContainerRef, Control, Error as EngineError, ExecPath, ExecSpec,
    Exit, InnerPath, Process, Source, StartFailure, StdinSink, Survivor, Termination,
};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long an ended command's last output and exit code may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// What a shell answers for a command that a signal has ended: 128 and the signal's number.
const KILLED: i32 = 128 + 9;

/// What a command reads.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing: the end of file at once.
    #[default]
    Empty,
    /// These bytes, then the end of file.
    Bytes(Bytes),
    /// What [`Live::take_stdin`] is given.
    Open,
}

impl std::fmt::Debug for Input {
    /// Shows nothing of it: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes(..)",
            Self::Open => "Open",
        })
    }
}

/// What comes from a running command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A piece of its output.
    Output(Chunk),
    /// Its end, after all output.
    Ended(Ended),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code, and what else is known of its end.
    pub exit: Exit,
    /// How long it ran.
    pub duration: Duration,
    /// Whether its time limit ended it.
    pub timed_out: bool,
    /// Whether asking it to end was not enough.
    pub killed: bool,
    /// What of it could not be ended.
    pub survivors: Vec<Survivor>,
}

/// How far the end of a command has come.
#[derive(Debug)]
enum Stage {
    /// It runs, until then.
    Running(Option<Instant>),
    /// Its time was up: it has been ended, and its last output may come until then.
    Ended(Termination, Instant),
    /// Only this is left to be said.
    Last(Ended),
    /// All has been said.
    Over,
}

/// A running command. Dropping it ends it with everything it started.
pub struct Live {
    service: Service,
    call: Call,
    container: ContainerId,
    spec: ExecSpec,
    input: Input,
    process: Box<dyn Process>,
    /// Writes what the command is to read.
    feeding: Option<BoxFuture<'static, ()>>,
    began: Instant,
    stage: Stage,
    /// Ends it at its time limit while nobody asks for what comes next.
    timer: Option<Timer>,
    stopping: CancellationToken,
    recorder: Option<Recorder>,
    _allowances: Vec<Allowance>,
    _use: Option<InUse>,
}

/// A task that ends a command, and what came of that.
struct Timer {
    ended: Arc<OnceLock<Termination>>,
    _task: AbortOnDropHandle<()>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("container", &self.container)
            .field("process", &self.process)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Starts a command. It ends after `limit` at the latest, if there is one; the call's own deadline
    /// bounds the start alone.
    pub async fn live_exec(
        &self,
        call: &Call,
        name: &ContainerRef,
        exec: &NewExec,
        limit: Option<Duration>,
    ) -> Result<Live> {
        crate::command::check(exec)?;
        let container = self.resolve(call, name).await?;
        let allowances = self.allow_exec(call)?;
        let in_use = self.uses(&container);
        call.note(|| crate::background::shown(&exec.command));
        let spec = exec.spec();
        let program = spec.command.program();
        let recorder = self
            .record(call, (&container, name), program, spec.terminal)
            .await?;
        let began = Instant::now();
        let process = self.0.engine.exec(call, &container, &spec).await?;
        let mut live = Live {
            service: self.clone(),
            call: call.clone(),
            container,
            spec,
            input: exec.stdin.clone(),
            process,
            feeding: None,
            began,
            stage: Stage::Running(limit.map(|limit| began + limit)),
            timer: None,
            stopping: self.0.stopping.clone(),
            recorder,
            _allowances: allowances,
            _use: in_use,
        };
        live.feed();
        Ok(live)
    }
}

impl Live {
    /// Waits until it runs, until the call's deadline. What can't be started is an error, unless it is the
    /// program that can't be: of that it is told as a shell tells it.
    pub(crate) async fn until_started(&mut self) -> Result<()> {
        let (deadline, limit) = (self.call.deadline, self.call.limit);
        let started = async {
            self.process.until_started().await?;
            if self.start_again().await? {
                self.process.until_started().await?;
            }
            self.complaint()
        };
        let Ok(started) = timeout_at(deadline, started).await else {
            let step = "starting the command".into();
            return Err(EngineError::Timeout { step, limit }.into());
        };
        started.map(|_words| ())
    }

    /// What comes next; an error after the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let until = match &self.stage {
                Stage::Running(until) => *until,
                Stage::Ended(_, until) => Some(*until),
                Stage::Last(ended) => {
                    let ended = ended.clone();
                    self.write_down(&ended);
                    self.stage = Stage::Over;
                    return Ok(Event::Ended(ended));
                }
                Stage::Over => return Err(over()),
            };
            let up = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let feed = async {
                match &mut self.feeding {
                    Some(feeding) => feeding.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                chunk = self.process.next() => match chunk {
                    Ok(Some(chunk)) => {
                        if let Some(recorder) = &self.recorder {
                            recorder.output(&chunk.data);
                        }
                        return Ok(Event::Output(chunk));
                    }
                    Ok(None) if self.start_again().await? => {}
                    Ok(None) => return self.end().await,
                    Err(_) if matches!(self.stage, Stage::Ended(..)) => return self.end().await,
                    Err(error) => return Err(error.into()),
                },
                () = feed => self.feeding = None,
                () = up => match self.stage {
                    Stage::Running(_) => {
                        let ended = self.process.control().terminate(self.grace()).await;
                        // Nothing is heard of a paused container's processes.
                        let words = if ended.is_paused() { Duration::ZERO } else { LAST_WORDS };
                        self.stage = Stage::Ended(ended, Instant::now() + words);
                    }
                    _ => return self.end().await,
                },
                () = self.stopping.cancelled() => {
                    self.process.control().terminate(Duration::ZERO).await;
                    self.stage = Stage::Over;
                    return Err(Error::Stopping);
                }
            }
        }
    }

    /// Keeps its time limit also while nobody asks for what comes next, because whoever reads its output
    /// is slow.
    pub(crate) fn keep_time(&mut self) {
        let Stage::Running(Some(until)) = self.stage else {
            return;
        };
        let (control, grace) = (self.control(), self.grace());
        let ended = Arc::new(OnceLock::new());
        let told = Arc::clone(&ended);
        let task = tokio::spawn(async move {
            sleep_until(until + LAST_WORDS).await;
            // It can be told once only.
            let _ = told.set(control.terminate(grace).await);
        });
        self.timer = Some(Timer {
            ended,
            _task: AbortOnDropHandle::new(task),
        });
    }

    /// Standard input, once, if it was asked for as [`Input::Open`].
    pub fn take_stdin(&mut self) -> Option<StdinSink> {
        (self.input == Input::Open).then(|| self.sink()).flatten()
    }

    fn sink(&mut self) -> Option<StdinSink> {
        let sink = self.process.take_stdin()?;
        Some(Recorder::input_of(self.recorder.as_ref(), sink))
    }

    /// Acts on the command while it is read.
    pub fn control(&self) -> Arc<dyn Control> {
        Recorder::control_of(self.recorder.as_ref(), self.process.control())
    }

    /// The way on which it was started.
    pub fn path(&self) -> ExecPath {
        self.process.path()
    }

    /// Whether it has a terminal.
    pub fn is_terminal(&self) -> bool {
        self.spec.terminal.is_some()
    }

    /// Its container.
    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// The time between asking a command to end and killing it.
    pub fn grace(&self) -> Duration {
        self.service.0.limits.kill_grace
    }

    fn feed(&mut self) {
        let Input::Bytes(bytes) = self.input.clone() else {
            return;
        };
        self.feeding = self.sink().map(|mut sink| {
            Box::pin(async move {
                // A process need not read what it is given.
                let _ = sink.write_all(&bytes).await;
                let _ = sink.shutdown().await;
            }) as BoxFuture<'static, ()>
        });
    }

    /// In an image without a shell the words of a line are the argument vector.
    async fn start_again(&mut self) -> Result<bool> {
        let Command::Shell(line) = &self.spec.command else {
            return Ok(false);
        };
        if self.process.start_failure() != Some(&StartFailure::NoProgram) {
            return Ok(false);
        }
        self.spec.command = Command::Argv(words(line)?);
        let engine = &self.service.0.engine;
        self.process = engine.exec(&self.call, &self.container, &self.spec).await?;
        self.feed();
        Ok(true)
    }

    /// Writes down how it ended, where an audit is kept.
    fn write_down(&self, ended: &Ended) {
        if !self.service.is_audited() {
            return;
        }
        let what = Audited {
            action: "end of a command".into(),
            target: format!("/api/v1/containers/{}", self.container),
            detail: self.call.noted().map(str::to_owned),
            took: Some(ended.duration),
        };
        let outcome = format!("exit {}", ended.exit.code);
        self.service
            .write_down_later(self.call.clone(), what, outcome);
    }

    /// How it ended; before that, what a shell would have said of one that did not begin.
    async fn end(&mut self) -> Result<Event> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let late = |timer: &Timer| timer.ended.get().cloned();
        let stage = match self.timer.as_ref().and_then(late) {
            Some(ended) => Stage::Ended(ended, Instant::now()),
            None => stage,
        };
        let mut ended = Ended {
            exit: Exit::of(KILLED),
            duration: self.began.elapsed(),
            timed_out: false,
            killed: false,
            survivors: Vec::new(),
        };
        let Stage::Ended(termination, _) = stage else {
            ended.exit = self.process.wait().await?;
            return Ok(if let Some(words) = self.complaint()? {
                self.stage = Stage::Last(ended);
                Event::Output(words)
            } else {
                self.write_down(&ended);
                Event::Ended(ended)
            });
        };
        ended.timed_out = true;
        ended.killed = termination != Termination::Complete { killed: false };
        match termination {
            Termination::Complete { .. } => {
                let exit = tokio::time::timeout(LAST_WORDS, self.process.wait()).await;
                if let Ok(Ok(exit)) = exit {
                    ended.exit = exit;
                }
            }
            Termination::Survivors(survivors) => ended.survivors = survivors,
            Termination::Unproven => {
                return Err(Error::ExecTimeout {
                    message: format!(
                        "the command did not finish within {:.1} seconds; whether all of it has ended could not be found out",
                        ended.duration.as_secs_f64()
                    ),
                });
            }
        }
        self.write_down(&ended);
        Ok(Event::Ended(ended))
    }

    /// What a shell would write about a program that can't be run.
    fn complaint(&self) -> Result<Option<Chunk>> {
        let what = match self.process.start_failure() {
            None => return Ok(None),
            Some(StartFailure::NoProgram) => "not found",
            Some(StartFailure::NotExecutable) => "can't be executed",
            Some(StartFailure::NoDirectory) => {
                let workdir = self.spec.workdir.as_ref();
                let workdir = workdir.map_or("the container's own", InnerPath::as_str);
                let message = format!(
                    "the directory {workdir} does not exist in the container or can't be entered"
                );
                return Err(Error::invalid("workdir", message));
            }
            Some(StartFailure::Other(message)) => {
                return Err(Error::Engine(EngineError::Failed {
                    step: "starting the command".into(),
                    message: message.clone(),
                }));
            }
        };
        let source = match self.spec.terminal {
            Some(_) => Source::Stdout,
            None => Source::Stderr,
        };
        let program = self.spec.command.program();
        Ok(Some(Chunk {
            source,
            data: format!("{program}: {what}\n").into(),
        }))
    }
}

/// Nothing comes after the end.
fn over() -> Error {
    Error::Internal {
        step: "reading the command",
        reason: "it has ended".into(),
    }
}
