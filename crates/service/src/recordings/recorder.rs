//! One recording under way. A slow disk must not slow a terminal: what finds no room in the queue is
//! left out, and a marker says how much.

use super::RecordingRules;
use super::cast::{self, Writer};
use super::input::RecordedInput;
use async_trait::async_trait;
use podlane_engine::{Control, Signal, StdinSink, TerminalSize, Termination};
use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// Lines that wait for the disk, of all recordings together; each has at most a few times the 64 KiB
/// of a piece of output.
const QUEUE: usize = 128;

/// A line on its way to its file.
pub(super) struct Line(Arc<File>, String);

/// Starts the thread that writes for all recordings; it ends with the last sender.
pub(super) fn start() -> std::io::Result<SyncSender<Line>> {
    let (sender, lines) = sync_channel(QUEUE);
    let write = move || write_all(&lines);
    thread::Builder::new()
        .name("recordings".into())
        .spawn(write)?;
    Ok(sender)
}

fn write_all(lines: &Receiver<Line>) {
    for Line(file, line) in lines {
        if let Err(error) = (&*file).write_all(line.as_bytes()) {
            tracing::warn!(%error, "a line of a recording could not be written");
        }
    }
}

/// Writes what one command shows. Clones write to the same recording.
#[derive(Clone)]
pub(crate) struct Recorder {
    state: Arc<Mutex<State>>,
    /// Whether what is typed is written too.
    input: bool,
}

struct State {
    file: Arc<File>,
    sender: SyncSender<Line>,
    began: Instant,
    writer: Writer,
    /// Bytes that may still be written.
    room: usize,
    /// Bytes that found no room in the queue since the last line.
    lost: usize,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    pub(super) fn new(file: File, sender: SyncSender<Line>, rules: &RecordingRules) -> Self {
        let state = State {
            file: Arc::new(file),
            sender,
            began: Instant::now(),
            writer: Writer::default(),
            room: rules.bytes,
            lost: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            input: rules.input,
        }
    }

    pub(crate) fn output(&self, data: &[u8]) {
        self.with(|state| {
            let line = state.writer.output(state.began.elapsed(), data);
            state.put(line);
        });
    }

    /// The same way to the command's input, with what it takes written down if it is to be.
    pub(crate) fn input_of(recorder: Option<&Self>, sink: StdinSink) -> StdinSink {
        match recorder.filter(|recorder| recorder.input).cloned() {
            None => sink,
            Some(recorder) => Box::pin(RecordedInput { sink, recorder }),
        }
    }

    /// The same hold on the command, with the sizes of its terminal written down.
    pub(crate) fn control_of(
        recorder: Option<&Self>,
        control: Arc<dyn Control>,
    ) -> Arc<dyn Control> {
        match recorder.cloned() {
            None => control,
            Some(recorder) => Arc::new(Recorded { control, recorder }),
        }
    }

    pub(super) fn input(&self, data: &[u8]) {
        self.with(|state| {
            let line = state.writer.input(state.began.elapsed(), data);
            state.put(line);
        });
    }

    fn resize(&self, size: TerminalSize) {
        self.with(|state| {
            let line = cast::resize(state.began.elapsed(), size);
            state.put(line);
        });
    }

    fn with(&self, act: impl FnOnce(&mut State)) {
        let lock = self.state.lock();
        act(&mut lock.unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl State {
    fn put(&mut self, line: String) {
        if line.is_empty() || self.room == 0 {
            return;
        }
        let mut line = line;
        if line.len() > self.room {
            line = cast::marker(self.began.elapsed(), "the recording is full");
            self.room = line.len();
        }
        if self.lost > 0 {
            let note = format!("{} bytes were not recorded", self.lost);
            line.insert_str(0, &cast::marker(self.began.elapsed(), &note));
        }
        let size = line.len();
        match self.sender.try_send(Line(Arc::clone(&self.file), line)) {
            Ok(()) => {
                self.room = self.room.saturating_sub(size);
                self.lost = 0;
            }
            Err(_full) => self.lost += size,
        }
    }
}

/// Acts on a command and records the sizes of its terminal.
#[derive(Debug)]
struct Recorded {
    control: Arc<dyn Control>,
    recorder: Recorder,
}

#[async_trait]
impl Control for Recorded {
    async fn signal(&self, signal: Signal) -> podlane_engine::Result<()> {
        self.control.signal(signal).await
    }

    async fn resize(&self, size: TerminalSize) -> podlane_engine::Result<()> {
        self.control.resize(size).await?;
        self.recorder.resize(size);
        Ok(())
    }

    async fn terminate(&self, grace: Duration) -> Termination {
        self.control.terminate(grace).await
    }
}
