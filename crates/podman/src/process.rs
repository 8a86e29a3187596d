//! A process started by libpod's exec: its streams over one upgraded connection, its exit code from a
//! look at the exec session. How it is ended stands in `ending`.

use crate::PodmanEngine;
use crate::ending::{EndOnDrop, Target};
use crate::frames::{Decoder, FrameError};
use crate::noise::Sifter;
use crate::requests;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use podlane_engine::{
    Call, Chunk, ContainerId, Error, ExecSpec, Process, Result, StartFailure, StdinSink,
    Termination,
};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf};
use tokio::time::timeout_at;

/// How much is read from the connection at once.
const BUFFER: usize = 64 * 1024;

/// A running exec.
pub(crate) struct LibpodProcess {
    target: Target,
    output: ReadHalf<TokioIo<Upgraded>>,
    input: Option<WriteHalf<TokioIo<Upgraded>>>,
    buffer: BytesMut,
    received: Bytes,
    decoder: Decoder,
    sifter: Sifter,
    ended: bool,
    exit: Option<i32>,
    failure: Option<StartFailure>,
    /// Nothing of it is left to be ended.
    pub(crate) over: bool,
}

impl std::fmt::Debug for LibpodProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibpodProcess")
            .field("target", &self.target)
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
        let mark = self.instance().attempt();
        let create = requests::create_exec(id, spec, &mark);
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
        // From here on something may run: whatever ends this function early ends that too.
        let guard = EndOnDrop(Some(target));
        let target = guard.0.as_ref().ok_or_else(gone)?;
        let start = requests::start_exec(&target.session, create.about);
        let response = match self.connection().send(call, &start).await {
            Ok(response) => response,
            Err(error) => {
                if !leaves_doubt(&error) {
                    guard.disarm();
                }
                return Err(error);
            }
        };
        if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            let reason = format!("status {} in place of an upgrade", response.status());
            return Err(Error::Garbled {
                step: start.step.into(),
                reason,
            });
        }
        let upgrade = timeout_at(call.deadline, hyper::upgrade::on(response)).await;
        let stream = upgrade
            .map_err(|_elapsed| crate::connection::timed_out(call, start.step))?
            .map_err(|error| Error::Unavailable {
                step: start.step.into(),
                reason: error.to_string(),
            })?;
        let (output, input) = tokio::io::split(TokioIo::new(stream));
        Ok(LibpodProcess {
            target: guard.disarm().ok_or_else(gone)?,
            output,
            input: spec.stdin.then_some(input),
            buffer: BytesMut::new(),
            received: Bytes::new(),
            decoder: Decoder::default(),
            sifter: Sifter::new(spec.argv.first().map_or("", String::as_str)),
            ended: false,
            exit: None,
            failure: None,
            over: false,
        })
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
        if !self.over {
            self.target.clone().end_in_background(Duration::ZERO);
        }
    }
}

#[async_trait]
impl Process for LibpodProcess {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.sifter.pop() {
                return Ok(Some(chunk));
            }
            if self.ended {
                return Ok(None);
            }
            match self.decoder.next(&mut self.received) {
                Ok(Some(chunk)) => self.sifter.push(chunk),
                Ok(None) => self.read().await?,
                Err(error) => return Err(garbled(error)),
            }
        }
    }

    fn take_stdin(&mut self) -> Option<StdinSink> {
        self.input.take().map(|input| Box::pin(input) as StdinSink)
    }

    async fn wait(&mut self) -> Result<i32> {
        while self.next().await?.is_some() {}
        self.exit.ok_or_else(gone)
    }

    fn start_failure(&self) -> Option<&StartFailure> {
        self.failure.as_ref()
    }

    async fn kill(&mut self) -> Termination {
        let ended = self.target.end().await;
        self.over = ended == Termination::Complete;
        ended
    }
}

impl LibpodProcess {
    /// Reads more of the stream. At its end, settles how the process ended.
    async fn read(&mut self) -> Result<()> {
        self.buffer.reserve(BUFFER);
        let read = match self.output.read_buf(&mut self.buffer).await {
            // How a stream ends whose standard input nobody has read: all output has come before.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
            read => read,
        };
        match read {
            Ok(0) => {
                self.decoder
                    .finish()
                    .map_err(|_cut_off| lost("its output broke off"))?;
                self.settle().await
            }
            Ok(_) => {
                self.received = self.buffer.split().freeze();
                Ok(())
            }
            Err(error) => Err(lost(error.to_string())),
        }
    }

    /// Asks for the exit code, and tells the runtime's own complaints from the command's output.
    async fn settle(&mut self) -> Result<()> {
        let code = self.target.exit_code().await?;
        self.failure = self.sifter.finish(code);
        // As a shell would say it, whatever the runtime did.
        self.exit = Some(match self.failure {
            Some(StartFailure::NoProgram) => 127,
            Some(StartFailure::NotExecutable) => 126,
            _ => code,
        });
        self.ended = true;
        self.over = true;
        self.target.forget();
        Ok(())
    }
}

fn garbled(error: FrameError) -> Error {
    Error::Garbled {
        step: "running the command".into(),
        reason: error.to_string(),
    }
}

fn lost(reason: impl Into<String>) -> Error {
    Error::Unavailable {
        step: "running the command".into(),
        reason: reason.into(),
    }
}
