//! A container's main process that somebody looks at. It belongs to the container: who leaves, or is sent
//! away, leaves it running.

use crate::lifetime::InUse;
use crate::live::{Ended, Event};
use crate::recordings::Recorder;
use crate::{Call, Error, Result, Service};
use podlane_engine::{Attachment, ContainerRef, Control, ExecPath, StdinSink, TerminalSize};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Who wants to see what of a main process.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAttachment {
    /// Whether it is to be written to; `None`: only on a terminal, where leaving does not end its input.
    pub stdin: Option<bool>,
    /// The size that its terminal gets, if it has one.
    pub size: Option<TerminalSize>,
}

#[derive(Debug)]
pub(crate) struct Attached {
    attachment: Attachment,
    began: Instant,
    stopping: CancellationToken,
    recorder: Option<Recorder>,
    _use: Option<InUse>,
}

impl Service {
    pub(crate) async fn attach(
        &self,
        call: &Call,
        name: &ContainerRef,
        new: NewAttachment,
    ) -> Result<Attached> {
        let engine = &self.0.engine;
        let container = self.resolve(call, name).await?;
        let in_use = self.uses(&container);
        let attachment = engine.attach(call, &container, new.stdin).await?;
        let size = new.size.unwrap_or(TerminalSize::USUAL);
        let terminal = attachment.terminal.then_some(size);
        let recorder = self
            .record(call, (&container, name), "attach", terminal)
            .await?;
        if let (Some(_), Some(size)) = (terminal, new.size) {
            attachment.process.control().resize(size).await?;
        }
        Ok(Attached {
            attachment,
            began: Instant::now(),
            stopping: self.0.stopping.clone(),
            recorder,
            _use: in_use,
        })
    }
}

impl Attached {
    pub(crate) async fn next(&mut self) -> Result<Event> {
        let process = &mut self.attachment.process;
        let chunk = tokio::select! {
            biased;
            chunk = process.next() => chunk?,
            () = self.stopping.cancelled() => return Err(Error::Stopping),
        };
        if let Some(chunk) = chunk {
            if let Some(recorder) = &self.recorder {
                recorder.output(&chunk.data);
            }
            return Ok(Event::Output(chunk));
        }
        Ok(Event::Ended(Ended {
            exit: process.wait().await?,
            duration: self.began.elapsed(),
            timed_out: false,
            killed: false,
            survivors: Vec::new(),
        }))
    }

    pub(crate) fn take_stdin(&mut self) -> Option<StdinSink> {
        let sink = self.attachment.process.take_stdin()?;
        Some(Recorder::input_of(self.recorder.as_ref(), sink))
    }

    pub(crate) fn control(&self) -> Arc<dyn Control> {
        let control = self.attachment.process.control();
        Recorder::control_of(self.recorder.as_ref(), control)
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.attachment.terminal
    }

    pub(crate) fn path(&self) -> ExecPath {
        self.attachment.process.path()
    }
}
