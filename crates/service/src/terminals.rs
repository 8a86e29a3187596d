//! Commands that somebody looks at while they run: a bounded number of them, each for as long as it runs.

use crate::exec::NewExec;
use crate::live::{Event, Live};
use crate::places::Place;
use crate::{Result, Service};
use podlane_engine::{Call, ContainerRef, Control, ExecPath, StdinSink};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// An open terminal, or a command without one that is looked at in the same way. Dropping it ends the
/// command with everything that it started.
#[derive(Debug)]
pub struct Terminal {
    live: Live,
    /// When the command's own time is up.
    until: Option<Instant>,
    _place: Place,
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
        let place = self.0.terminals.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let live = self.live_exec(call, name, exec, exec.timeout).await?;
        Ok(Terminal {
            live,
            until: exec.timeout.map(|limit| Instant::now() + limit),
            _place: place,
        })
    }
}

impl Terminal {
    /// What comes next; an error after the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Event> {
        self.live.next().await
    }

    /// Standard input, once, if it was asked for.
    pub fn take_stdin(&mut self) -> Option<StdinSink> {
        self.live.take_stdin()
    }

    /// Acts on the command while it is read.
    pub fn control(&self) -> Arc<dyn Control> {
        self.live.control()
    }

    /// Whether it has a terminal, not just three streams.
    pub fn is_terminal(&self) -> bool {
        self.live.is_terminal()
    }

    /// The way on which it was started.
    pub fn path(&self) -> ExecPath {
        self.live.path()
    }

    /// Waits until the command's own time is up, then ends it: for a reader who is kept from
    /// [`Terminal::next`], which does the same.
    pub fn end_in_time(&self) -> impl Future<Output = ()> + Send + use<> {
        let (until, control, grace) = (self.until, self.control(), self.live.grace());
        async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
            control.terminate(grace).await;
        }
    }
}
