//! A container's main process, looked at while it runs. Whoever leaves it leaves it running.

use crate::answers::InspectedContainer;
use crate::upgraded::{self, Output};
use crate::{PodmanEngine, requests};
use async_trait::async_trait;
use podlane_engine::{
    Attachment, Call, Chunk, ContainerId, Control, Engine, Error, ExecPath, Exit, Process, Result,
    Signal, StartFailure, StdinSink, TerminalSize, Termination,
};
use std::sync::Arc;
use std::time::Duration;

const STEP: &str = "reading the container's output";
/// How long one look or one act may take, long after the call that has attached.
const PROMPT: Duration = Duration::from_secs(10);
/// Between two looks whether a container that writes no more has ended.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

struct Attached {
    main: Arc<Main>,
    output: Output,
    input: Option<StdinSink>,
    exit: Option<Exit>,
}

/// The main process of one run of a container.
#[derive(Debug)]
struct Main {
    engine: PodmanEngine,
    call: Call,
    container: ContainerId,
    started: Option<String>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached")
            .field("container", &self.main.container)
            .finish_non_exhaustive()
    }
}

impl PodmanEngine {
    pub(crate) async fn attach_to(
        &self,
        call: &Call,
        id: &ContainerId,
        stdin: Option<bool>,
    ) -> Result<Attachment> {
        let inspect = requests::inspect_container(&id.into());
        let found: InspectedContainer = self.connection().json(call, &inspect).await?;
        let (terminal, reads) = (found.has_terminal(), found.reads_input());
        let container = found.container()?;
        // Podman would make one that has ended ready for another run.
        container.status.must_run()?;
        let stdin = stdin.unwrap_or(terminal) && reads;
        let request = requests::attach(id, stdin);
        let response = self.connection().send(call, &request).await?;
        let stream = upgraded::take(call, request.step, response).await?;
        let (output, input) = upgraded::split(stream, STEP, terminal);
        let main = Main {
            engine: self.clone(),
            call: call.clone(),
            container: id.clone(),
            started: container.started,
        };
        let process = Box::new(Attached {
            main: Arc::new(main),
            output,
            input: stdin.then_some(input),
            exit: None,
        });
        Ok(Attachment { process, terminal })
    }
}

#[async_trait]
impl Process for Attached {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        if self.exit.is_some() {
            return Ok(None);
        }
        let chunk = self.output.next().await?;
        if chunk.is_none() {
            self.exit = Some(self.main.exit().await?);
        }
        Ok(chunk)
    }

    fn take_stdin(&mut self) -> Option<StdinSink> {
        self.input.take()
    }

    async fn wait(&mut self) -> Result<Exit> {
        while self.next().await?.is_some() {}
        self.exit.ok_or_else(|| unknown("it is not known"))
    }

    fn start_failure(&self) -> Option<&StartFailure> {
        None
    }

    fn path(&self) -> ExecPath {
        ExecPath::Engine
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.main) as Arc<dyn Control>
    }
}

impl Main {
    /// How it ended, once it has: it may have closed its outputs long before.
    async fn exit(&self) -> Result<Exit> {
        let mut pause = FIRST_PAUSE;
        loop {
            let call = self.call.extended(PROMPT);
            let found = self
                .engine
                .inspect(&call, &(&self.container).into())
                .await?;
            if found.started != self.started {
                return Err(unknown("the container has been started again"));
            }
            if !found.status.is_live() {
                let code = found.exit_code.ok_or_else(|| unknown("Podman has none"))?;
                return Ok(Exit::of(code));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn unknown(reason: &str) -> Error {
    Error::Failed {
        step: "asking for the container's exit code".into(),
        message: reason.into(),
    }
}

#[async_trait]
impl Control for Main {
    async fn signal(&self, signal: Signal) -> Result<()> {
        let call = self.call.extended(PROMPT);
        let request = requests::kill_container(&self.container, signal);
        self.engine.connection().status(&call, &request).await?;
        Ok(())
    }

    async fn resize(&self, size: TerminalSize) -> Result<()> {
        let call = self.call.extended(PROMPT);
        let request = requests::resize_container(&self.container, size);
        self.engine.connection().status(&call, &request).await?;
        Ok(())
    }

    /// Nothing was started that would have to end.
    async fn terminate(&self, _: Duration) -> Termination {
        Termination::Complete { killed: false }
    }
}
