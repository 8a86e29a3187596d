//! Works that an agent in the container does itself: what is asked, given and answered.

mod answers;
mod place;
mod words;

pub(crate) use words::words;

use crate::lifetime::InUse;
use crate::{Call, Error, Result, Service};
use answers::Answers;
use bytes::{Buf, Bytes};
use place::Place;
use podlane_engine::inside::{self, blocks};
use podlane_engine::{
    ContainerId, Error as EngineError, Exit, Process, Signal, Source, StdinSink, UserSpec,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// What is given is gathered up to so much before it is sent on.
const ENOUGH: usize = 32 << 10;
/// How long a work may take to end whose answer is whole.
const ENDING: Duration = Duration::from_secs(5);

/// A work under way. Dropped before its end, it is ended, and nothing of it is left.
#[derive(Debug)]
pub(crate) struct Work {
    name: &'static str,
    /// `None` once the answer is whole.
    process: Option<Box<dyn Process>>,
    input: Input,
    answers: Answers,
    /// How long it may be silent, or take nothing.
    patience: Duration,
    place: Box<Place>,
    in_use: Option<InUse>,
}

struct Input {
    sink: Option<StdinSink>,
    /// What was given and not sent on yet.
    waiting: Vec<u8>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
    }
}

impl Service {
    /// Gives a work to the container's agent; `None` if there can't be one.
    pub(crate) async fn start_work(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
        work: &inside::Work,
    ) -> Result<Option<Work>> {
        let in_use = self.uses(id);
        let process = self.0.engine.work(call, id, user, work).await?;
        Ok(process.map(|mut process| Work {
            name: work.name(),
            input: Input {
                sink: process.take_stdin(),
                waiting: Vec::new(),
            },
            process: Some(process),
            answers: Answers::default(),
            patience: self.0.limits.request_timeout,
            in_use,
            place: Box::new(Place {
                engine: Arc::clone(&self.0.engine),
                call: call.clone(),
                container: id.clone(),
                began: OffsetDateTime::now_utc(),
            }),
        }))
    }
}

impl Work {
    /// The next record; `None` at an end.
    pub(crate) async fn record<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.flush().await?;
        let length = self.header().await?;
        if length == 0 {
            return Ok(None);
        }
        self.need(length).await?;
        let body = self.answers.take(length);
        blocks::parse(&body)
            .map(Some)
            .map_err(|error| self.garbled(&error.to_string()))
    }

    /// The record that has to come.
    pub(crate) async fn first<T: DeserializeOwned>(&mut self) -> Result<T> {
        let record = self.record().await?;
        record.ok_or_else(|| self.garbled("it ends too early"))
    }

    /// The record that is the whole answer.
    pub(crate) async fn only<T: DeserializeOwned>(&mut self) -> Result<T> {
        let record = self.first().await?;
        match self.header().await? {
            0 => {
                self.complete();
                Ok(record)
            }
            _ => Err(self.garbled("it goes on")),
        }
    }

    /// The next piece of content; `None` at its end. Cancel safe once what was given is sent.
    pub(crate) async fn content(&mut self) -> Result<Option<Bytes>> {
        self.flush().await?;
        self.piece().await
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.answers.left == 0 {
            self.answers.left = self.header().await?;
        }
        if self.answers.left == 0 {
            return Ok(None);
        }
        self.need(1).await?;
        let piece = self.answers.piece(self.answers.left);
        self.answers.left -= piece.len();
        Ok(Some(piece))
    }

    /// Gives content. What was wrong, if it is not taken, the answer says. What is short is sent with what comes
    /// next, at the latest when an answer is asked for.
    pub(crate) async fn give(&mut self, content: &[u8]) -> Result<()> {
        for block in content.chunks(blocks::MAX) {
            self.input.waiting.extend(blocks::header(block.len()));
            self.write(block).await?;
        }
        Ok(())
    }

    /// Gives a record.
    pub(crate) async fn give_record(&mut self, record: &impl Serialize) -> Result<()> {
        let block = blocks::record(record).map_err(|error| self.garbled(&error.to_string()))?;
        self.write(&block).await
    }

    /// Its answer is whole: it ends by itself, and whoever did it is free for the next one.
    pub(crate) fn complete(&mut self) {
        if let Some(mut process) = self.process.take() {
            tokio::spawn(async move { timeout(ENDING, process.wait()).await });
        }
    }

    /// Lets it be silent for as long as it likes.
    pub(crate) fn wait_for_ever(&mut self) {
        self.patience = Duration::MAX;
        // Who only waits for others does not use the container.
        drop(self.in_use.take());
    }

    /// Gives blocks that are written already.
    pub(crate) async fn give_written(&mut self, blocks: &[u8]) -> Result<()> {
        self.write(blocks).await
    }

    /// Ends what is given: it is whole.
    pub(crate) async fn give_end(&mut self) -> Result<()> {
        self.write(&blocks::END).await
    }

    /// Sends on, unless it is so little that it can wait for more.
    async fn write(&mut self, piece: &[u8]) -> Result<()> {
        if self.input.waiting.len() + piece.len() >= ENOUGH {
            return self.send(piece).await;
        }
        self.input.waiting.extend_from_slice(piece);
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.input.waiting.is_empty() {
            return Ok(());
        }
        self.send(&[]).await
    }

    /// The failure that the answer ends with, if giving has failed because of it.
    async fn send(&mut self, piece: &[u8]) -> Result<()> {
        let mut gathered = std::mem::take(&mut self.input.waiting);
        let Some(sink) = &mut self.input.sink else {
            return Err(self.garbled("it takes no input"));
        };
        let writing = write_both(sink, &gathered, piece);
        let written = self.place.wait(self.name, self.patience, writing).await?;
        let Err(error) = written else {
            gathered.clear();
            self.input.waiting = gathered;
            return Ok(());
        };
        self.input.sink = None;
        // It has stopped reading, and says why.
        while self.piece().await?.is_some() {}
        Err(self.garbled(&error.to_string()))
    }

    async fn header(&mut self) -> Result<usize> {
        self.need(4).await?;
        let header = self.answers.take(4).get_u32_le();
        let length = (header & !blocks::FAILED) as usize;
        if length > blocks::MAX {
            return Err(self.garbled("a block is too long"));
        }
        if header & blocks::FAILED == 0 {
            return Ok(length);
        }
        self.need(length).await?;
        let body = self.answers.take(length);
        Err(match blocks::parse(&body) {
            Ok(failure) => Error::File(failure),
            Err(error) => self.garbled(&error.to_string()),
        })
    }

    /// Waits until so much is there.
    async fn need(&mut self, length: usize) -> Result<()> {
        while self.answers.length < length {
            let Some(process) = &mut self.process else {
                return Err(self.garbled("it ends too early"));
            };
            let next = self.place.wait(self.name, self.patience, process.next());
            match next.await?? {
                Some(chunk) if chunk.source == Source::Stdout => self.answers.push(chunk.data),
                Some(_) => {}
                None => return Err(self.broken_off().await),
            }
        }
        Ok(())
    }

    /// Why no more comes.
    async fn broken_off(&mut self) -> Error {
        let step = format!("the agent's {}", self.name);
        let ended = match &mut self.process {
            Some(process) => process.wait().await,
            None => Ok(Exit::of(0)),
        };
        let exit = match ended {
            Ok(exit) => exit,
            Err(error) => return error.into(),
        };
        if exit.signal == Some(Signal::KILL.number())
            && let Some(error) = self.place.ended().await
        {
            return error.into();
        }
        let code = exit.code;
        let message = format!("it ended with code {code} in the middle of its answer");
        EngineError::Failed { step, message }.into()
    }

    fn garbled(&self, reason: &str) -> Error {
        let step = format!("the agent's {}", self.name);
        let reason = reason.to_owned();
        EngineError::Garbled { step, reason }.into()
    }
}

/// Writes two pieces one behind the other, at once where that can be done.
async fn write_both(to: &mut StdinSink, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(head), IoSlice::new(body)];
    let mut left = &mut slices[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match to.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut left, written),
        }
    }
    Ok(())
}
