//! A process started by libpod's exec: its streams over one upgraded connection, its exit code from a
//! look at the exec session. How it is ended stands in `ending`.

use crate::PodmanEngine;
use crate::ending::{EndOnDrop, Fate, Target};
use crate::noise::Sifter;
use crate::requests;
use crate::shell::{self, GREETING, Line};
use crate::upgraded::{self, Output};
use async_trait::async_trait;
use bytes::Buf;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use podlane_engine::{
    Call, Chunk, Command, ContainerId, Control, Engine, Error, ExecPath, ExecSpec, Exit, InnerPath,
    Process, Result, Signal, Source, StartFailure, StdinSink, TerminalSize, Termination,
};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a complaint of the engine's, that nothing was started, may take once that is known.
const COMPLAINING: Duration = Duration::from_secs(1);

/// A running exec.
pub(crate) struct LibpodProcess {
    running: Arc<Running>,
    output: Output,
    input: Option<StdinSink>,
    sifter: Sifter,
    /// The greeting of our shell is still to come.
    greets: bool,
    ended: bool,
    exit: Option<Exit>,
    failure: Option<StartFailure>,
}

/// What can be done to an exec while it is read.
#[derive(Debug)]
struct Running {
    target: Target,
    /// Nothing of it is left to be ended.
    over: AtomicBool,
}

impl std::fmt::Debug for LibpodProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibpodProcess")
            .field("target", &self.running.target)
            .finish_non_exhaustive()
    }
}

impl PodmanEngine {
    pub(crate) async fn start_process(
        &self,
        call: &Call,
        id: &ContainerId,
        spec: &ExecSpec,
    ) -> Result<LibpodProcess> {
        let line = self.line(call, id, spec).await?;
        let session = self.prepare_exec(call, id, spec, &line.argv).await?;
        let (target, stream) = session.attach(call).await?;
        let terminal = spec.terminal.is_some();
        let (output, input) = upgraded::split(stream, "running the command", terminal);
        let running = Running {
            target,
            over: AtomicBool::new(false),
        };
        Ok(LibpodProcess {
            running: Arc::new(running),
            output,
            input: spec.stdin.then_some(input),
            sifter: Sifter::new(line.argv.first().map_or("", String::as_str), terminal),
            greets: line.greets,
            ended: false,
            exit: None,
            failure: None,
        })
    }

    /// Makes a session in which nothing runs yet.
    pub(crate) async fn prepare_exec(
        &self,
        call: &Call,
        id: &ContainerId,
        spec: &ExecSpec,
        argv: &[String],
    ) -> Result<Session> {
        let mark = self.instance().attempt();
        let create = requests::create_exec(id, spec, argv, &mark);
        let session = self
            .connection()
            .json::<crate::answers::Created>(call, &create)
            .await?
            .id;
        if session.is_empty() || !session.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::Garbled {
                step: create.step.into(),
                reason: "the session has no ID".into(),
            });
        }
        let target = Target {
            engine: self.clone(),
            call: call.clone(),
            container: id.clone(),
            session,
            mark,
        };
        Ok(Session {
            start: requests::start_exec(&target.session, spec.terminal, create.about),
            target,
        })
    }

    /// Podman can lose output of a command that leaves its input unread, so a shell reads the rest, if
    /// the image has one. Where input has no end, so would that have none.
    async fn line(&self, call: &Call, id: &ContainerId, spec: &ExecSpec) -> Result<Line> {
        let reading = spec.stdin
            && !spec.open_ended
            && spec.terminal.is_none()
            && match &spec.command {
                Command::Shell(_) => true,
                Command::Argv(_) => {
                    let sh = InnerPath::parse("/bin/sh").map_err(|_invalid| gone())?;
                    self.stat(call, id, &sh).await?.is_some()
                }
            };
        Ok(shell::line(spec, reading))
    }
}

/// A session that has not been started.
#[derive(Debug)]
pub(crate) struct Session {
    target: Target,
    start: requests::Request,
}

impl Session {
    /// Starts it; answers its stream.
    pub(crate) async fn attach(self, call: &Call) -> Result<(Target, TokioIo<Upgraded>)> {
        let Self { target, start } = self;
        let engine = target.engine.clone();
        // From here on something may run: whatever ends this function early ends that too.
        let guard = EndOnDrop(Some(target));
        let response = match engine.connection().send(call, &start).await {
            Ok(response) => response,
            Err(error) => {
                if !leaves_doubt(&error) {
                    guard.disarm();
                }
                return Err(error);
            }
        };
        let stream = upgraded::take(call, start.step, response).await?;
        Ok((guard.disarm().ok_or_else(gone)?, stream))
    }
}

/// Whether the engine may be doing what was asked of it in spite of `error`.
fn leaves_doubt(error: &Error) -> bool {
    matches!(
        error,
        Error::Timeout { .. } | Error::Unavailable { .. } | Error::Garbled { .. }
    )
}

fn gone() -> Error {
    Error::Failed {
        step: "starting the command".into(),
        message: "it was given up".into(),
    }
}

impl Drop for LibpodProcess {
    fn drop(&mut self) {
        if !self.running.over.load(Ordering::Relaxed) {
            let target = self.running.target.clone();
            target.end_in_background(Duration::ZERO);
        }
    }
}

#[async_trait]
impl Process for LibpodProcess {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(mut chunk) = self.sifter.pop() {
                if self.greets && chunk.source == Source::Stderr {
                    self.greets = false;
                    if chunk.data.first() == Some(&GREETING) {
                        chunk.data.advance(1);
                    }
                }
                if !chunk.data.is_empty() {
                    return Ok(Some(chunk));
                }
                continue;
            }
            if self.ended {
                return Ok(None);
            }
            match self.output.next().await? {
                Some(chunk) => self.sifter.push(chunk),
                None => self.settle().await?,
            }
        }
    }

    async fn until_started(&mut self) -> Result<()> {
        let running = Arc::clone(&self.running);
        let mut fate = pin!(running.target.fate());
        let mut until = None;
        while !self.ended && !self.sifter.has_begun() {
            tokio::select! {
                biased;
                chunk = self.output.next() => match chunk? {
                    Some(chunk) => self.sifter.push(chunk),
                    None => self.settle().await?,
                },
                fate = &mut fate, if until.is_none() => match fate? {
                    Fate::MayHaveFailed => until = Some(Instant::now() + COMPLAINING),
                    Fate::Runs => return Ok(()),
                },
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return Ok(()),
            }
        }
        Ok(())
    }

    fn take_stdin(&mut self) -> Option<StdinSink> {
        self.input.take()
    }

    async fn wait(&mut self) -> Result<Exit> {
        while self.next().await?.is_some() {}
        self.exit.ok_or_else(gone)
    }

    fn start_failure(&self) -> Option<&StartFailure> {
        self.failure.as_ref()
    }

    fn path(&self) -> ExecPath {
        ExecPath::Engine
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.running) as Arc<dyn Control>
    }
}

#[async_trait]
impl Control for Running {
    async fn signal(&self, signal: Signal) -> Result<()> {
        if self.over.load(Ordering::Relaxed) {
            return Err(Error::WrongState {
                message: "the command has ended".into(),
            });
        }
        self.target.signal(signal).await
    }

    async fn resize(&self, size: TerminalSize) -> Result<()> {
        self.target.resize(size).await
    }

    async fn terminate(&self, grace: Duration) -> Termination {
        if self.over.load(Ordering::Relaxed) {
            return Termination::Complete { killed: false };
        }
        let ended = self.target.end(grace).await;
        self.over.store(ended.is_complete(), Ordering::Relaxed);
        ended
    }
}

impl LibpodProcess {
    /// It needs not be ended, whatever becomes of it.
    pub(crate) fn leave_alone(&self) {
        self.running.over.store(true, Ordering::Relaxed);
    }

    /// Asks for the exit code, and tells the runtime's own complaints from the command's output.
    async fn settle(&mut self) -> Result<()> {
        let code = self.running.target.exit_code().await?;
        self.failure = self.sifter.finish(code);
        // As a shell would say it, whatever the runtime did.
        self.exit = Some(Exit::of(match self.failure {
            Some(StartFailure::NoProgram) => 127,
            Some(StartFailure::NotExecutable) => 126,
            _ => code,
        }));
        self.ended = true;
        self.leave_alone();
        self.running.target.forget();
        Ok(())
    }
}
