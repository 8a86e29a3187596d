//! The first process where no descriptors can be handed over: it makes the pipes of commands itself and
//! moves what goes through them to and from the one stream, its standard input and output.
//!
//! It runs nothing: a copy of it serves as where they can be handed over, and this process is its client.

use crate::channel::Channel;
use crate::connection::Connection;
use crate::control;
use crate::streams::Out;
use crate::sys::{self, Fork};
use podlane_agent::mux::{Frame, MAX_TO_AGENT, Part};
use podlane_agent::{Decoder, Malformed, Reply, Request};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// What is read at once.
const BUFFER: usize = 16 << 10;
/// With less than this in a turn the pipe was not full, and nothing waited before it. Source: pipe(7), which
/// gives it 64 KiB.
const PROMPT: usize = 32 << 10;
/// The channel of the agent itself.
const OWN: u32 = 0;

/// Serves until standard input ends.
pub(crate) fn serve() -> io::Result<()> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    // The copies are not inherited: no command keeps the engine's own pipes open.
    for standard in 0..=2 {
        sys::put(null.as_fd(), standard)?;
    }
    let (ours, theirs) = UnixStream::pair()?;
    if matches!(sys::fork()?, Fork::Child) {
        drop((input, output, ours));
        return control::serve(&theirs.into());
    }
    drop(theirs);
    // Not before the fork: commands inherit what the copy finds.
    sys::hold_back_signals()?;
    for stream in [&input, &output] {
        sys::do_not_block(stream.as_fd())?;
    }
    let mut switchboard = Switchboard {
        input,
        output,
        decoder: Decoder::new(MAX_TO_AGENT),
        out: Out::default(),
        control: Connection::to_worker(ours.into()),
        channels: BTreeMap::new(),
        first: 0,
    };
    while switchboard.turn()? {}
    Ok(())
}

struct Switchboard {
    input: OwnedFd,
    output: OwnedFd,
    decoder: Decoder,
    out: Out,
    control: Connection<OwnedFd>,
    channels: BTreeMap<u32, Channel>,
    /// Which channel is served first in this turn: none is always the last one to find room.
    first: u32,
}

impl Switchboard {
    /// Moves what can be moved; false once the server has gone.
    fn turn(&mut self) -> io::Result<bool> {
        self.wait()?;
        // All that has come, before anything of it is acted on: what was given up while the container was
        // frozen must not start after all.
        let whole = self.decoder.is_empty();
        let (open, received) = self.receive()?;
        self.obey(whole && received < PROMPT)
            .map_err(io::Error::other)?;
        self.greet()?;
        let (before, after): (Vec<u32>, Vec<u32>) =
            self.channels.keys().partition(|id| **id < self.first);
        let order = after.into_iter().chain(before);
        for (at, id) in order.enumerate() {
            if at == 0 {
                self.first = id.wrapping_add(1);
            }
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.pump(id, &mut self.out);
            }
        }
        self.out.flush(self.output.as_fd())?;
        Ok(open)
    }

    fn wait(&mut self) -> io::Result<()> {
        let to_server = if self.out.is_empty() {
            0
        } else {
            libc::POLLOUT
        };
        let mut wait = vec![
            sys::poll_for(self.input.as_raw_fd(), libc::POLLIN),
            sys::poll_for(self.output.as_raw_fd(), to_server),
            sys::poll_for(self.control.raw(), self.control.events()),
        ];
        let mut ends = Vec::with_capacity(self.channels.len());
        for channel in self.channels.values() {
            channel.wait_for(&mut wait, &self.out);
            ends.push(wait.len());
        }
        let mut begin = 3;
        sys::poll(&mut wait, None)?;
        if wait[1].revents & (libc::POLLERR | libc::POLLHUP) != 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        for (channel, end) in self.channels.values_mut().zip(ends) {
            channel.ready |= wait[begin..end].iter().any(|one| one.revents != 0);
            begin = end;
        }
        Ok(())
    }

    /// Takes all that has come; whether more may come, and how much it was.
    fn receive(&mut self) -> io::Result<(bool, usize)> {
        let mut buffer = [0; BUFFER];
        let mut received = 0;
        loop {
            match sys::read(self.input.as_fd(), &mut buffer) {
                Ok(0) => return Ok((false, received)),
                Ok(read) => {
                    self.decoder.push(&buffer[..read]);
                    received += read;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok((true, received));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// `prompt`: whatever was sent with them has come, too.
    fn obey(&mut self, prompt: bool) -> Result<(), Malformed> {
        while let Some(body) = self.decoder.next_frame()? {
            let Frame { channel: id, part } = Frame::decode(body)?;
            match (self.channels.get_mut(&id), part) {
                (Some(_), Part::Close) => {
                    let channel = self.channels.remove(&id);
                    if channel.is_some_and(|channel| !channel.is_closed()) {
                        self.out.send(id, Part::Close);
                    }
                }
                (Some(channel), part) => channel.obey(id, part, prompt, &mut self.out)?,
                (None, Part::Message(body))
                    if id != OWN && Request::decode(body)? == Request::Fork =>
                {
                    // Without one it is closed at once.
                    let worker = self.fork().ok();
                    self.channels.insert(id, Channel::new(worker));
                }
                (None, _) => return Err(Malformed::UNKNOWN_CHANNEL),
            }
        }
        Ok(())
    }

    /// Asks for a worker.
    fn fork(&mut self) -> io::Result<Connection<OwnedFd>> {
        let (ours, theirs) = UnixStream::pair()?;
        self.control
            .keep(&Request::Fork.encode(), vec![theirs.into()])?;
        self.control.flush()?;
        Ok(Connection::to_worker(ours.into()))
    }

    /// Passes the hello on. The copy has nothing else to say, and ends no sooner than this process.
    fn greet(&mut self) -> io::Result<()> {
        self.control.flush()?;
        if !self.control.receive()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some(reply) = self.control.next_reply().map_err(io::Error::other)? {
            if !matches!(reply, Reply::Hello { .. }) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.out.reply(OWN, &reply);
        }
        Ok(())
    }
}
