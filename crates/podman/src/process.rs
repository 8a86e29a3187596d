//! A process started by libpod's exec: its streams over one upgraded connection, its exit code from a
//! look at the exec session, its end through /proc of this host, or, where that shows another
//! machine's processes, through a second exec.

use crate::answers::{InspectedContainer, InspectedExec};
use crate::frames::{Decoder, FrameError};
use crate::instance::Attempt;
use crate::noise::Sifter;
use crate::requests::{self, EXEC_VARIABLE};
use crate::{PodmanEngine, host};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use podlane_engine::{
    Call, Chunk, ContainerId, ContainerRef, Error, ExecSpec, Process, Result, StartFailure,
    StdinSink, Termination, UserSpec,
};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

/// How much is read from the connection at once.
const BUFFER: usize = 64 * 1024;
/// The longest that ending a process tree may take.
const KILLING: Duration = Duration::from_secs(10);
/// How long a command that was given up may take to be started by an engine that was told to: then it
/// is ended.
const LATE_START: Duration = Duration::from_secs(60);
/// After the output has ended, how long the session may still say that it runs.
const LINGER: Duration = Duration::from_secs(10);

/// What is needed to find and end a process.
#[derive(Debug, Clone)]
struct Target {
    engine: PodmanEngine,
    call: Call,
    container: ContainerId,
    session: String,
    mark: Attempt,
}

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
    over: bool,
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

/// Ends the process if it is dropped while armed.
struct EndOnDrop(Option<Target>);

impl EndOnDrop {
    fn disarm(mut self) -> Option<Target> {
        self.0.take()
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(target) = self.0.take() {
            target.end_in_background();
        }
    }
}

impl Drop for LibpodProcess {
    fn drop(&mut self) {
        if !self.over {
            self.target.clone().end_in_background();
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

impl Target {
    /// The exit code, once the session has it.
    async fn exit_code(&self) -> Result<i32> {
        let call = self.call.extended(self.call.remaining().min(LINGER));
        let mut pause = Duration::from_millis(1);
        loop {
            let session = self.session(&call).await?;
            if !session.running {
                return Ok(session.exit_code);
            }
            if Instant::now() + pause >= call.deadline {
                return Err(crate::connection::timed_out(
                    &self.call,
                    "running the command",
                ));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// Lets the engine forget a finished session, where it can; nobody waits for that.
    fn forget(&self) {
        if self.engine.keeps_sessions() {
            return;
        }
        let (engine, session, call) = (
            self.engine.clone(),
            self.session.clone(),
            self.call.extended(KILLING),
        );
        self.engine.spawn(async move {
            let forgotten = engine.connection().status(&call, &requests::remove_exec(&session)).await;
            if let Err(error) = forgotten {
                tracing::debug!(request_id = %call.request_id, %error, "a finished exec session stays with the engine");
            }
        });
    }

    fn end_in_background(self) {
        let engine = self.engine.clone();
        engine.spawn(async move {
            let ended = if self.wait_for_start(LATE_START).await {
                self.end().await
            } else {
                Termination::Unproven
            };
            if ended != Termination::Complete {
                tracing::warn!(request_id = %self.call.request_id, container = self.container.short(), ?ended, "a command that was given up may still run");
            }
        });
    }

    /// Waits until the engine has started the process, or never will: ended any earlier, it would
    /// start afterwards. Whether that is settled.
    async fn wait_for_start(&self, patience: Duration) -> bool {
        let call = self.call.extended(patience);
        let mut pause = Duration::from_millis(5);
        while !call.remaining().is_zero() {
            match self.session(&call).await {
                Ok(session) if session.running || session.ended => return true,
                Err(Error::NotFound { .. } | Error::WrongState { .. }) => return true,
                Ok(_) if matches!(self.container_pid(&call).await, Ok(None)) => return true,
                Ok(_) | Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_millis(500));
        }
        false
    }

    async fn session(&self, call: &Call) -> Result<InspectedExec> {
        let request = requests::inspect_exec(&self.session);
        self.engine.connection().json(call, &request).await
    }

    /// The container's main process; `None` if there is none any more.
    async fn container_pid(&self, call: &Call) -> Result<Option<i32>> {
        let request = requests::inspect_container(&ContainerRef::from(&self.container));
        let found = self
            .engine
            .connection()
            .json::<InspectedContainer>(call, &request);
        match found.await {
            Ok(container) => Ok(container.pid()),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the process and all that it started.
    async fn end(&self) -> Termination {
        timeout(KILLING, self.end_at_leisure())
            .await
            .unwrap_or(Termination::Unproven)
    }

    async fn end_at_leisure(&self) -> Termination {
        let call = self.call.extended(KILLING);
        let first = match self.container_pid(&call).await {
            Ok(Some(pid)) => pid,
            Ok(None) => return Termination::Complete,
            Err(_) => return Termination::Unproven,
        };
        let mark = format!("{EXEC_VARIABLE}={}", self.mark.as_str());
        // Its mark shows only once the runtime has handed over to it.
        let root = self.session(&call).await.ok().map(|session| session.pid);
        let id = self.container.clone();
        let here = tokio::task::spawn_blocking(move || {
            host::sees(first, id.as_str()).then(|| host::kill_tree(first, &mark, root))
        });
        match here.await {
            Ok(Some(ended)) => ended,
            _ => self.end_from_inside(&call).await,
        }
    }

    /// For an engine whose processes this host does not see: a shell in the container looks for the
    /// mark. Its words never hold anything of the caller's.
    async fn end_from_inside(&self, call: &Call) -> Termination {
        const SCRIPT: &str = r#"for turn in 1 2 3 4 5 6 7 8; do
  found=
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "$1"; then
      kill -KILL "${process#/proc/}" 2>/dev/null && found=1
    fi
  done
  [ -z "$found" ] && exit 0
done
exit 9"#;
        let mark = format!("{EXEC_VARIABLE}={}", self.mark.as_str());
        let spec = ExecSpec {
            argv: ["sh", "-c", SCRIPT, "sh", &mark]
                .map(str::to_owned)
                .to_vec(),
            user: Some(UserSpec::root()),
            workdir: None,
            environment: Vec::new(),
            stdin: false,
        };
        let Ok(mut process) =
            Box::pin(self.engine.start_process(call, &self.container, &spec)).await
        else {
            return Termination::Unproven;
        };
        // This helper is not to be ended by yet another one.
        process.over = true;
        match process.wait().await {
            Ok(0) => Termination::Complete,
            Ok(9) => Termination::Survivors(1),
            _ => Termination::Unproven,
        }
    }
}
