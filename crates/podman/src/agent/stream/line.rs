//! What is under way on one channel, in both directions.

use super::{Out, lock};
use bytes::{Bytes, BytesMut};
use podlane_agent::mux::{CREDIT, Credit, Frame, MAX_DATA, Part, Stream};
use podlane_agent::{Malformed, Reply, Request};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// More replies than these are not left unread by a command's owner.
const MAX_REPLIES: usize = 16;

/// A channel as both its task and its owner have it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: u32,
    out: Arc<Out>,
    state: Mutex<State>,
    /// Something has come.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Which command this is. Whatever is left of one before has no business here.
    run: u64,
    replies: VecDeque<Reply>,
    stdout: Output,
    stderr: Output,
    /// How much input may be sent; `None` if nobody reads it.
    stdin: Option<Credit>,
    writer: Option<Waker>,
    /// The agent has closed it, or has gone.
    lost: bool,
    /// We have closed it.
    given_up: bool,
}

/// What a command has written, never more than it has credit for.
#[derive(Debug, Default)]
struct Output {
    buffer: BytesMut,
    credit: Credit,
    /// Read, and not told of yet.
    taken: usize,
}

impl State {
    fn output(&mut self, stream: Stream) -> Result<&mut Output, Malformed> {
        match stream {
            Stream::Stdout => Ok(&mut self.stdout),
            Stream::Stderr => Ok(&mut self.stderr),
            Stream::Stdin => Err(Malformed::OUT_OF_TURN),
        }
    }

    fn end_input(&mut self) {
        self.stdin = None;
        self.wake_writer();
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

impl Line {
    pub(super) fn new(id: u32, out: Arc<Out>) -> Self {
        Self {
            id,
            out,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn send(&self, part: Part<'_>) {
        let channel = self.id;
        self.out.push(&Frame { channel, part });
    }

    pub(super) fn request(&self, request: &Request) {
        // Its length stands before its body.
        self.send(Part::Message(&request.encode()[4..]));
    }

    /// Whether what is sent now would only be kept.
    pub(super) fn is_stuck(&self) -> bool {
        self.out.is_full()
    }

    /// Makes room for another command; answers its number.
    pub(super) fn begin(&self, stdin: bool) -> u64 {
        let mut state = lock(&self.state);
        state.end_input();
        let output = || Output {
            credit: Credit::whole(),
            ..Output::default()
        };
        state.run += 1;
        state.replies.clear();
        (state.stdout, state.stderr) = (output(), output());
        state.stdin = stdin.then(Credit::whole);
        state.run
    }

    /// Takes what the agent says, but for the end of the channel.
    pub(super) fn take(&self, part: &Part<'_>) -> Result<(), Malformed> {
        let mut state = lock(&self.state);
        if state.lost {
            return Err(Malformed::OUT_OF_TURN);
        }
        if state.given_up {
            return Ok(());
        }
        match part {
            Part::Message(body) => {
                let reply = Reply::decode(body)?;
                if matches!(reply, Reply::Exited(_) | Reply::Failed(_)) {
                    state.end_input();
                }
                if state.replies.len() >= MAX_REPLIES {
                    return Err(Malformed::OUT_OF_TURN);
                }
                state.replies.push_back(reply);
            }
            Part::Data(stream, data) => {
                let output = state.output(*stream)?;
                output.credit.spend(data.len())?;
                output.buffer.extend_from_slice(data);
            }
            Part::End => state.end_input(),
            Part::Go => self.send(Part::Go),
            Part::Credit(Stream::Stdin, bytes) => {
                // For what was sent before it ended, maybe.
                if let Some(credit) = &mut state.stdin {
                    credit.add(*bytes)?;
                }
                state.wake_writer();
            }
            Part::Credit(..) | Part::Close => return Err(Malformed::OUT_OF_TURN),
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Nothing more comes.
    pub(super) fn lose(&self) {
        let mut state = lock(&self.state);
        state.lost = true;
        state.end_input();
        drop(state);
        self.changed.notify_waiters();
    }

    pub(super) fn is_lost(&self) -> bool {
        lock(&self.state).lost
    }

    pub(super) fn is_given_up(&self) -> bool {
        lock(&self.state).given_up
    }

    /// Closes our side; answers whether theirs was closed before.
    pub(super) fn give_up(&self) -> bool {
        let mut state = lock(&self.state);
        state.given_up = true;
        state.end_input();
        self.send(Part::Close);
        state.lost
    }

    pub(super) fn has_replies(&self) -> bool {
        !lock(&self.state).replies.is_empty()
    }

    pub(super) fn next_reply(&self) -> Option<Reply> {
        lock(&self.state).replies.pop_front()
    }

    pub(super) fn has_output(&self, stream: Stream) -> bool {
        let mut state = lock(&self.state);
        state
            .output(stream)
            .is_ok_and(|output| !output.buffer.is_empty())
    }

    /// What has come of an output; `None` if nothing has.
    pub(super) fn read(&self, stream: Stream) -> Option<Bytes> {
        let mut state = lock(&self.state);
        let output = state.output(stream).ok()?;
        if output.buffer.is_empty() {
            return None;
        }
        let data = output.buffer.split().freeze();
        output.taken += data.len();
        if output.taken >= CREDIT
            && let Ok(taken) = u32::try_from(output.taken)
            && output.credit.add(taken).is_ok()
        {
            output.taken = 0;
            self.send(Part::Credit(stream, taken));
        }
        Some(data)
    }

    /// Sends input of that command as far as there is credit for it.
    pub(super) fn poll_write(
        &self,
        run: u64,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        let current = state.run == run;
        let Some(credit) = state.stdin.as_mut().filter(|_| current) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let size = data.len().min(MAX_DATA).min(credit.left());
        if size == 0 && !data.is_empty() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        credit.spend(size).map_err(io::Error::other)?;
        self.send(Part::Data(Stream::Stdin, &data[..size]));
        Poll::Ready(Ok(size))
    }

    /// The end of that command's input.
    pub(super) fn end_input(&self, run: u64) {
        let mut state = lock(&self.state);
        if state.run == run && state.stdin.take().is_some() {
            self.send(Part::End);
        }
    }
}
