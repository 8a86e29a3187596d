//! Output as a stream: what a reader is told, one after the other, and how many may read at once.

use crate::live::{Ended, Event, Live};
use crate::places::Place;
use crate::{Call, NewExec, Result, Scope, Service};
use podlane_engine::{Chunk, ContainerId, ContainerRef, ExecPath, Source};

/// What a reader of a command's output is told. `at` is how many bytes of output, standard output and
/// standard error together, lie before the next step: it only grows, and reading can go on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A piece of output.
    Output {
        /// It.
        chunk: Chunk,
        /// Where it ends.
        at: u64,
    },
    /// Output that is not kept any more, or never was.
    Lost {
        /// How many bytes.
        bytes: u64,
        /// Where they end.
        at: u64,
        /// Whose they are, if they are nothing but the rest of a character whose beginning is lost.
        rest_of: Option<Source>,
    },
    /// The end, after all output.
    Ended(Ended),
}

/// A running command whose output is read as it comes. Dropping it ends it with everything it started.
#[derive(Debug)]
pub struct ExecStream {
    live: Live,
    at: u64,
    _place: Place,
}

impl Service {
    /// Starts a command for a reader of its output. A worker is held until it has started and no
    /// longer, so that long commands keep nobody waiting. The call's deadline bounds the start alone;
    /// the command ends after its own time-out at the latest, if it has one.
    pub async fn stream_exec(
        &self,
        call: &Call,
        name: &ContainerRef,
        exec: &NewExec,
    ) -> Result<ExecStream> {
        call.may(Scope::ExecRun)?;
        let place = self.0.streams.take()?;
        let _worker = self.0.gate.enter(call).await?;
        let mut live = self.live_exec(call, name, exec, exec.timeout).await?;
        live.until_started().await?;
        live.keep_time();
        Ok(ExecStream {
            live,
            at: 0,
            _place: place,
        })
    }
}

impl ExecStream {
    /// What comes next; nothing comes after the end or an error. A reader that waits makes the command
    /// wait. Cancel safe.
    pub async fn next(&mut self) -> Result<Step> {
        Ok(match self.live.next().await? {
            Event::Output(chunk) => {
                self.at += chunk.data.len() as u64;
                Step::Output { chunk, at: self.at }
            }
            Event::Ended(ended) => Step::Ended(ended),
        })
    }

    /// The way on which it was started.
    pub fn path(&self) -> ExecPath {
        self.live.path()
    }

    /// Its container.
    pub fn container(&self) -> &ContainerId {
        self.live.container()
    }
}
