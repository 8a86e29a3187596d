//! The answer to a pull or a build: lines, read into steps as the caller takes them.

use crate::body::Lines;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use podlane_engine::{Archive, Error, ImageStep, ImageWork, Result};
use std::collections::VecDeque;

/// What the lines of a work mean.
#[async_trait]
pub(crate) trait Reading: Send + 'static {
    /// What a line tells; an error is the last that is read.
    fn line(&mut self, line: &[u8]) -> Result<Vec<ImageStep>>;

    /// What was made, once there is no more.
    async fn end(&mut self) -> Result<String>;
}

struct Steps<R> {
    pieces: Archive,
    lines: Lines,
    ready: VecDeque<Result<ImageStep>>,
    reading: R,
    over: bool,
}

impl<R: Reading> Steps<R> {
    fn read(&mut self, line: &[u8]) {
        match self.reading.line(line) {
            Ok(steps) => self.ready.extend(steps.into_iter().map(Ok)),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.over = true;
        self.ready.push_back(Err(error));
    }
}

/// The steps of a work.
pub(crate) fn steps(pieces: Archive, reading: impl Reading) -> ImageWork {
    let steps = Steps {
        pieces,
        lines: Lines::default(),
        ready: VecDeque::new(),
        reading,
        over: false,
    };
    let steps = stream::unfold(steps, |mut this| async {
        loop {
            if let Some(step) = this.ready.pop_front() {
                return Some((step, this));
            }
            if this.over {
                return None;
            }
            match this.pieces.next().await {
                Some(Ok(piece)) => {
                    for line in this.lines.push(&piece) {
                        if !this.over {
                            this.read(&line);
                        }
                    }
                }
                Some(Err(error)) => this.fail(error),
                None => {
                    this.over = true;
                    let made = this.reading.end().await;
                    this.ready.push_back(made.map(ImageStep::Done));
                }
            }
        }
    });
    steps.boxed()
}

/// A work that has ended and says nothing of what was made.
pub(crate) fn no_result(step: &'static str) -> Error {
    Error::Garbled {
        step: step.into(),
        reason: "it ended without a result".into(),
    }
}
