//! The end of an exec: through /proc of this host, or, where that shows another machine's processes,
//! through a second exec.

use crate::answers::{InspectedContainer, InspectedExec};
use crate::instance::Attempt;
use crate::noise::is_of_no_start;
use crate::requests;
use crate::{PodmanEngine, host};
use podlane_engine::{
    Call, Command, ContainerId, ContainerRef, Error, ExecSpec, Process, Result, Signal,
    TerminalSize, Termination, UserSpec,
};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The longest that ending a process tree may take, once it has started.
const KILLING: Duration = Duration::from_secs(10);
/// How long a command that was given up may take to be started by an engine that was told to: then it
/// is ended.
const LATE_START: Duration = Duration::from_secs(60);
/// How long it is looked for whatever the engine says, if its start was given up: an engine that finds
/// its own caller gone calls a process ended that its monitor has yet to start.
const IN_DOUBT: Duration = Duration::from_secs(10);
/// After the output has ended, how long the session may still say that it runs.
const LINGER: Duration = Duration::from_secs(10);

impl PodmanEngine {
    /// Ends what carries a mark, as this host sees it.
    pub(crate) async fn end_marked(
        &self,
        call: &Call,
        container: &ContainerId,
        mark: &Attempt,
    ) -> Termination {
        match self.main_process(call, container).await {
            Ok(Some(main)) => end_on_host(main, container, mark, None, Duration::ZERO)
                .await
                .unwrap_or(Termination::Unproven),
            Ok(None) => Termination::Complete { killed: true },
            Err(_) => Termination::Unproven,
        }
    }

    /// The container's main process; `None` if there is none any more.
    async fn main_process(
        &self,
        call: &Call,
        container: &ContainerId,
    ) -> Result<Option<MainProcess>> {
        let request = requests::inspect_container(&ContainerRef::from(container));
        match self
            .connection()
            .json::<InspectedContainer>(call, &request)
            .await
        {
            Ok(container) => Ok(container.pid().map(|pid| MainProcess {
                pid,
                paused: container.is_paused(),
            })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A container's main process.
#[derive(Debug, Clone, Copy)]
struct MainProcess {
    pid: i32,
    /// It is frozen, with all others.
    paused: bool,
}

/// Ends what carries a mark, and `root`, in the container of that main process; `None` if this host does
/// not see its processes.
async fn end_on_host(
    main: MainProcess,
    container: &ContainerId,
    mark: &Attempt,
    root: Option<i32>,
    grace: Duration,
) -> Option<Termination> {
    let (id, mark) = (container.clone(), requests::marking(mark.as_str()));
    let ended = tokio::task::spawn_blocking(move || {
        host::sees(main.pid, id.as_str()).then(|| {
            if main.paused {
                host::kill_paused_tree(main.pid, &mark, root)
            } else {
                host::kill_tree(main.pid, &mark, root, grace)
            }
        })
    });
    ended.await.ok().flatten()
}

/// What is needed to find and end a process.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) engine: PodmanEngine,
    pub(crate) call: Call,
    pub(crate) container: ContainerId,
    pub(crate) session: String,
    pub(crate) mark: Attempt,
}

/// What has become of a process that Podman was told to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It runs, or did.
    Runs,
    /// It has ended with a code that Podman gives to what it could not start: it says so among the output.
    MayHaveFailed,
}

/// Ends the process if it is dropped while armed.
pub(crate) struct EndOnDrop(pub(crate) Option<Target>);

impl EndOnDrop {
    pub(crate) fn disarm(mut self) -> Option<Target> {
        self.0.take()
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(target) = self.0.take() {
            target.end_in_background(IN_DOUBT);
        }
    }
}

impl Target {
    /// Sends a signal to the process and its group, through this host.
    pub(crate) async fn signal(&self, signal: Signal) -> Result<()> {
        let call = self.call.extended(KILLING);
        let session = self.session(&call).await?;
        if !session.running {
            return Err(Error::WrongState {
                message: "the command has ended".into(),
            });
        }
        let refused = |message: String| Error::Failed {
            step: "sending the signal".into(),
            message,
        };
        let (pid, id) = (session.pid, self.container.clone());
        let sent = tokio::task::spawn_blocking(move || {
            host::sees(pid, id.as_str()).then(|| host::signal_group(pid, signal.number()))
        });
        match sent.await {
            Ok(Some(sent)) => sent.map_err(|error| refused(error.to_string())),
            _ => Err(refused(
                "the engine's processes can't be seen from here".into(),
            )),
        }
    }

    pub(crate) async fn resize(&self, size: TerminalSize) -> Result<()> {
        let call = self.call.extended(KILLING);
        let request = requests::resize_exec(&self.session, size);
        self.engine.connection().status(&call, &request).await?;
        Ok(())
    }

    /// Waits until it has been started, or could not be. Podman has the container locked meanwhile, so the
    /// first answer says it.
    pub(crate) async fn fate(&self) -> Result<Fate> {
        let mut pause = Duration::from_millis(1);
        loop {
            match self.session(&self.call).await {
                Ok(session) if session.running => return Ok(Fate::Runs),
                Ok(session) if session.ended && is_of_no_start(session.exit_code) => {
                    return Ok(Fate::MayHaveFailed);
                }
                Ok(session) if session.ended => return Ok(Fate::Runs),
                // It has ended and been forgotten.
                Err(Error::NotFound { .. } | Error::WrongState { .. }) => return Ok(Fate::Runs),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// The exit code, once the session has it.
    pub(crate) async fn exit_code(&self) -> Result<i32> {
        // The command may have outlived its call by far.
        let call = self.call.extended(LINGER);
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
    pub(crate) fn forget(&self) {
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

    /// Ends the process, and looks for it again until `doubt` is over.
    pub(crate) fn end_in_background(self, doubt: Duration) {
        let engine = self.engine.clone();
        engine.spawn(async move {
            let ended = self
                .end_once_started(LATE_START, doubt, Duration::ZERO)
                .await;
            if !ended.is_complete() && !ended.is_paused() {
                tracing::warn!(request_id = %self.call.request_id, container = self.container.short(), ?ended, "a command that was given up may still run");
            }
        });
    }

    /// Ends the process and all that it started, in bounded time: asked first, killed after `grace`.
    pub(crate) async fn end(&self, grace: Duration) -> Termination {
        let ended = self.end_once_started(KILLING, Duration::ZERO, grace);
        timeout(2 * KILLING + grace, ended)
            .await
            .unwrap_or(Termination::Unproven)
    }

    /// Ends the process when the engine has started it, or never will: ended any earlier only, it would
    /// start afterwards. Meanwhile it is ended again and again, because an engine that dies at the
    /// wrong moment never learns that it has started it.
    async fn end_once_started(
        &self,
        patience: Duration,
        doubt: Duration,
        mut grace: Duration,
    ) -> Termination {
        let call = self.call.extended(patience + grace);
        let certain = Instant::now() + doubt;
        let mut pause = Duration::from_millis(5);
        loop {
            let settled = Instant::now() >= certain && self.is_settled(&call).await;
            let ended = self.end_now(std::mem::take(&mut grace)).await;
            if settled && (ended.is_complete() || ended.is_paused()) {
                return ended;
            }
            if call.remaining().is_zero() {
                return if settled {
                    ended
                } else {
                    Termination::Unproven
                };
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Whether the engine has started the process, or never will.
    async fn is_settled(&self, call: &Call) -> bool {
        match self.session(call).await {
            Ok(session) if session.running || session.ended => true,
            Err(Error::NotFound { .. } | Error::WrongState { .. }) => true,
            Ok(_) => matches!(
                self.engine.main_process(call, &self.container).await,
                Ok(None)
            ),
            Err(_) => false,
        }
    }

    async fn session(&self, call: &Call) -> Result<InspectedExec> {
        let request = requests::inspect_exec(&self.session);
        self.engine.connection().json(call, &request).await
    }

    /// Ends the process and all that it started.
    async fn end_now(&self, grace: Duration) -> Termination {
        timeout(KILLING + grace, self.end_at_leisure(grace))
            .await
            .unwrap_or(Termination::Unproven)
    }

    async fn end_at_leisure(&self, grace: Duration) -> Termination {
        let call = self.call.extended(KILLING + grace);
        let main = match self.engine.main_process(&call, &self.container).await {
            Ok(Some(main)) => main,
            Ok(None) => return Termination::Complete { killed: false },
            Err(_) => return Termination::Unproven,
        };
        // Its mark shows only once the runtime has handed over to it.
        let root = self.session(&call).await.ok().map(|session| session.pid);
        match end_on_host(main, &self.container, &self.mark, root, grace).await {
            Some(ended) => ended,
            None => self.end_from_inside(&call).await,
        }
    }

    /// For an engine whose processes this host does not see: a shell in the container looks for the
    /// mark, if it has the tools to look. Its words never hold anything of the caller's.
    async fn end_from_inside(&self, call: &Call) -> Termination {
        const SCRIPT: &str = r#"command -v tr >/dev/null && command -v grep >/dev/null || exit 8
for turn in 1 2 3 4 5 6 7 8; do
  found=
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "$1"; then
      kill -KILL "${process#/proc/}" 2>/dev/null && found=1
    fi
  done
  [ -z "$found" ] && exit 0
done
exit 9"#;
        let mark = requests::marking(self.mark.as_str());
        let spec = ExecSpec {
            command: Command::Argv(
                ["sh", "-c", SCRIPT, "sh", &mark]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            user: Some(UserSpec::root()),
            workdir: None,
            environment: Vec::new(),
            stdin: false,
            open_ended: false,
            terminal: None,
            agent: false,
        };
        let Ok(mut process) =
            Box::pin(self.engine.start_process(call, &self.container, &spec)).await
        else {
            return Termination::Unproven;
        };
        // This helper is not to be ended by yet another one.
        process.leave_alone();
        match process.wait().await {
            Ok(exit) if exit.code == 0 => Termination::Complete { killed: true },
            _ => Termination::Unproven,
        }
    }
}
