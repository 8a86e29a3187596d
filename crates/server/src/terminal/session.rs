//! One open WebSocket and the command at its other end.
//!
//! Nothing is queued between the two. A client that takes nothing is not sent more, and then the
//! command's output is not read; a command that reads nothing lets its client's messages wait.

use super::pulse::Pulse;
use super::{Finish, Input, Misuse, Protocol, Start, View, Voice};
use crate::edge::Subject;
use crate::error::Error;
use crate::serve::Lease;
use axum::extract::ws::{Message, WebSocket};
use futures_util::future::BoxFuture;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use podlane_engine::{Control, StdinSink};
use podlane_service::{Call, Error as ServiceError, Event, Terminal};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout, timeout_at};

/// How often a client is asked whether it is there. One that has not answered by the second time is
/// gone.
const PING: Duration = Duration::from_secs(20);
/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// What the key Ctrl-D writes: the end of input, on a terminal.
const END_OF_INPUT: u8 = 4;

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;

/// Opens a terminal once its client has said how.
pub(crate) type Open = Box<dyn FnOnce(Start) -> BoxFuture<'static, Result<Terminal, Error>> + Send>;

/// The command of a session.
pub(crate) enum Opening {
    /// It runs.
    Done(Box<Terminal>),
    /// It is started after the client's first message.
    Waiting(Open),
}

/// One open WebSocket.
pub(crate) struct Session {
    pub(super) protocol: Protocol,
    pub(super) idle: Duration,
    pub(super) view: View,
    pub(super) lease: Lease,
    pub(super) call: Call,
    pub(super) subject: Subject,
}

impl Session {
    pub(super) async fn run(self, socket: WebSocket, opening: Opening) {
        let began = Instant::now();
        let mut voice = Voice::new(self.protocol);
        let (mut sink, mut stream) = socket.split();
        let opened = match opening {
            Opening::Done(terminal) => Ok(*terminal),
            Opening::Waiting(open) => self.open(&mut sink, &mut stream, &voice, open).await,
        };
        let finish = match opened {
            Ok(mut terminal) => {
                self.join(&mut sink, &mut stream, &mut voice, &mut terminal)
                    .await
            }
            Err(finish) => finish,
        };
        tracing::info!(
            request_id = %self.call.request_id,
            container = self.subject.get(),
            outcome = finish.word(),
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "terminal closed"
        );
        let farewell = self.part(&mut sink, &mut stream, &mut voice, &finish);
        // Who does not listen to it is gone.
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Waits for the message that starts the command, and starts it.
    async fn open(
        &self,
        sink: &mut Sink,
        stream: &mut Stream,
        voice: &Voice,
        open: Open,
    ) -> Result<Terminal, Finish> {
        let idle = |_elapsed| Finish::Idle(self.call.limit);
        let within = self.call.deadline;
        loop {
            let first = timeout_at(within, stream.next()).await.map_err(idle)?;
            let Some(Ok(message)) = first else {
                return Err(Finish::Gone);
            };
            match self.protocol.read(message).map_err(Finish::Misused)? {
                Input::Start(start) => return open(start).await.map_err(Finish::Failed),
                Input::Nothing => {}
                Input::Wrong(refusal) => {
                    if let Some(message) = voice.trouble(&refusal.into()) {
                        let sent = timeout_at(within, sink.send(message)).await.map_err(idle)?;
                        sent.map_err(|_broken| Finish::Gone)?;
                    }
                }
                _ => {
                    let misuse = Misuse::new(1002, "the first message must be start");
                    return Err(Finish::Misused(misuse));
                }
            }
        }
    }

    /// Moves what is said from one side to the other until one of them ends.
    async fn join(
        &self,
        sink: &mut Sink,
        stream: &mut Stream,
        voice: &mut Voice,
        terminal: &mut Terminal,
    ) -> Finish {
        let pulse = Pulse::new();
        let (trouble, troubles) = mpsc::channel(1);
        let ear = Ear {
            protocol: self.protocol,
            stdin: terminal.take_stdin(),
            control: terminal.control(),
            tty: terminal.is_terminal(),
            pulse: &pulse,
            trouble,
        };
        tokio::select! {
            biased;
            finish = speak(self.view, sink, voice, terminal, &pulse, troubles) => finish,
            finish = ear.listen(stream) => finish,
            () = pulse.idle(self.idle) => Finish::Idle(self.idle),
            () = self.lease.stopping(), if self.view.interactive => Finish::Stopping,
            () = self.lease.cut() => Finish::Stopping,
        }
    }

    /// Says how it ended, and waits until the client has heard it.
    async fn part(
        &self,
        sink: &mut Sink,
        stream: &mut Stream,
        voice: &mut Voice,
        finish: &Finish,
    ) -> Result<(), axum::Error> {
        if !matches!(finish, Finish::Gone) {
            for message in voice.last(finish) {
                sink.send(message).await?;
            }
            sink.send(finish.close(self.protocol)).await?;
        }
        sink.flush().await?;
        while let Some(message) = stream.next().await {
            message?;
        }
        Ok(())
    }
}

/// Sends what the command writes, and asks now and then whether somebody is there.
async fn speak(
    view: View,
    sink: &mut Sink,
    voice: &mut Voice,
    terminal: &mut Terminal,
    pulse: &Pulse,
    mut troubles: mpsc::Receiver<Error>,
) -> Finish {
    if let Some(message) = voice.started(terminal.path())
        && sink.send(message).await.is_err()
    {
        return Finish::Gone;
    }
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        let message = tokio::select! {
            event = terminal.next() => match event {
                Ok(Event::Output(chunk)) => {
                    pulse.say();
                    view.shows(chunk.source).then(|| voice.output(chunk)).flatten()
                }
                Ok(Event::Ended(ended)) => return Finish::Ended(ended),
                Err(ServiceError::Stopping) => return Finish::Stopping,
                Err(error) => return Finish::Failed(error.into()),
            },
            Some(error) = troubles.recv() => voice.trouble(&error),
            _ = ping.tick() => {
                if pulse.has_stopped(PING) {
                    return Finish::Gone;
                }
                Some(Message::Ping(Vec::new().into()))
            }
        };
        let Some(message) = message else { continue };
        let mut sending = sink.send(message);
        let sent = tokio::select! {
            biased;
            sent = &mut sending => sent,
            // A slow client makes the command wait, but not outlive its time.
            () = terminal.end_in_time() => sending.await,
        };
        if sent.is_err() {
            return Finish::Gone;
        }
    }
}

/// Does what a client asks for.
struct Ear<'a> {
    protocol: Protocol,
    stdin: Option<StdinSink>,
    control: Arc<dyn Control>,
    tty: bool,
    pulse: &'a Pulse,
    /// What could not be done.
    trouble: mpsc::Sender<Error>,
}

impl Ear<'_> {
    async fn listen(mut self, stream: &mut Stream) -> Finish {
        loop {
            let message = match stream.next().await {
                None | Some(Err(_) | Ok(Message::Close(_))) => return Finish::Gone,
                Some(Ok(message)) => message,
            };
            self.pulse.hear();
            let input = match self.protocol.read(message) {
                Ok(input) => input,
                Err(misuse) => return Finish::Misused(misuse),
            };
            if let Err(misuse) = self.act(input).await {
                return Finish::Misused(misuse);
            }
        }
    }

    async fn act(&mut self, input: Input) -> Result<(), Misuse> {
        let done = match input {
            Input::Nothing => Ok(()),
            Input::Start(_) => return Err(Misuse::new(1002, "the command has been started")),
            Input::Stdin(bytes) => {
                self.write(&bytes).await;
                Ok(())
            }
            Input::CloseStdin if self.tty => {
                self.write(&[END_OF_INPUT]).await;
                Ok(())
            }
            Input::CloseStdin => {
                if let Some(mut stdin) = self.stdin.take() {
                    // It may have ended: then it needs no end of input.
                    let _ = stdin.shutdown().await;
                }
                Ok(())
            }
            Input::Resize(_) if !self.tty => Ok(()),
            Input::Resize(size) => self.control.resize(size).await,
            Input::Signal(signal) => self.control.signal(signal).await,
            Input::Wrong(refusal) => {
                self.complain(refusal.into()).await;
                Ok(())
            }
        };
        if let Err(error) = done {
            self.complain(ServiceError::from(error).into()).await;
        }
        Ok(())
    }

    /// Has the client told; one that does not listen is not listened to meanwhile.
    async fn complain(&mut self, error: Error) {
        let _deafened = self.pulse.deafened();
        // Nobody speaks any more at the end.
        let _ = self.trouble.send(error).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.pulse.say();
        let Some(stdin) = &mut self.stdin else {
            return;
        };
        let _deafened = self.pulse.deafened();
        let written = async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        };
        if written.await.is_err() {
            // A command need not read what it is given.
            self.stdin = None;
        }
    }
}
