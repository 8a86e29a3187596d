//! Commands and main processes that somebody looks at while they run: a bounded number of them, each for
//! as long as it runs.

use crate::attached::{Attached, NewAttachment};
use crate::exec::NewExec;
use crate::live::{Event, Live};
use crate::places::Place;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{ContainerRef, Control, Error as EngineError, ExecPath, StdinSink};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// An open terminal, or a command without one that is looked at in the same way. Dropping it ends the
/// command with everything that it started, but no container's main process.
#[derive(Debug)]
pub struct Terminal {
    process: Kind,
    _place: Place,
}

#[derive(Debug)]
enum Kind {
    /// A command, and when its own time is up.
    Command(Box<Live>, Option<Instant>),
    Main(Attached),
}

impl Service {
    /// Starts a command for somebody who looks at it. The call bounds the start alone; a worker is
    /// busy with it only so long.
    pub async fn open_terminal(
        &self,
        call: &Call,
        name: &ContainerRef,
        exec: &NewExec,
    ) -> Result<Terminal> {
        call.may(Scope::ExecRun)?;
        let place = self.0.terminals.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let mut live = self.live_exec(call, name, exec, exec.timeout).await?;
        live.until_started().await?;
        let until = exec.timeout.map(|limit| Instant::now() + limit);
        Ok(Terminal {
            process: Kind::Command(Box::new(live), until),
            _place: place,
        })
    }

    /// Whether `other` means the container that `name` does.
    pub async fn is_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        other: &ContainerRef,
    ) -> Result<bool> {
        call.may(Scope::ExecRun)?;
        let container = self.resolve(call, name).await?;
        match self.resolve(call, other).await {
            Ok(other) => Ok(other == container),
            Err(Error::Engine(EngineError::NotFound { .. } | EngineError::Invalid { .. })) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Joins a container's main process, under the same bounds.
    pub async fn attach_terminal(
        &self,
        call: &Call,
        name: &ContainerRef,
        new: NewAttachment,
    ) -> Result<Terminal> {
        call.may(Scope::ExecRun)?;
        let place = self.0.terminals.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let attached = self.attach(call, name, new).await?;
        Ok(Terminal {
            process: Kind::Main(attached),
            _place: place,
        })
    }
}

impl Terminal {
    /// What comes next; an error after the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Event> {
        match &mut self.process {
            Kind::Command(live, _) => live.next().await,
            Kind::Main(attached) => attached.next().await,
        }
    }

    /// Standard input, once, if it was asked for.
    pub fn take_stdin(&mut self) -> Option<StdinSink> {
        match &mut self.process {
            Kind::Command(live, _) => live.take_stdin(),
            Kind::Main(attached) => attached.take_stdin(),
        }
    }

    /// Acts on the command while it is read.
    pub fn control(&self) -> Arc<dyn Control> {
        match &self.process {
            Kind::Command(live, _) => live.control(),
            Kind::Main(attached) => attached.control(),
        }
    }

    /// Whether it has a terminal, not just three streams.
    pub fn is_terminal(&self) -> bool {
        match &self.process {
            Kind::Command(live, _) => live.is_terminal(),
            Kind::Main(attached) => attached.is_terminal(),
        }
    }

    /// The way on which it was started.
    pub fn path(&self) -> ExecPath {
        match &self.process {
            Kind::Command(live, _) => live.path(),
            Kind::Main(attached) => attached.path(),
        }
    }

    /// Waits until the command's own time is up, then ends it: for a reader who is kept from
    /// [`Terminal::next`], which does the same.
    pub fn end_in_time(&self) -> impl Future<Output = ()> + Send + use<> {
        let ending = match &self.process {
            Kind::Command(live, Some(until)) => Some((*until, live.control(), live.grace())),
            Kind::Command(_, None) | Kind::Main(_) => None,
        };
        async move {
            let Some((until, control, grace)) = ending else {
                return std::future::pending().await;
            };
            sleep_until(until).await;
            control.terminate(grace).await;
        }
    }
}
