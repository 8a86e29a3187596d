//! One worker as the switchboard sees it, and the pipes of its command.

use crate::connection::Connection;
use crate::streams::{Input, Out, Output};
use crate::sys;
use podlane_agent::mux::{Part, Stream};
use podlane_agent::{Failure, Malformed, Reply, Request, Run};
use std::io;
use std::os::fd::OwnedFd;

pub(crate) struct Channel {
    /// `None` once it has ended.
    worker: Option<Connection<OwnedFd>>,
    command: Option<Command>,
    /// A command of which it has been asked whether it is still wanted.
    held: Option<(Request, Vec<OwnedFd>)>,
    closed: bool,
    /// There may be something to move.
    pub(crate) ready: bool,
}

/// A command that runs, or whose last output is on its way.
struct Command {
    input: Option<Input>,
    outputs: Vec<Output>,
    /// How it ended, to be told after all that it wrote.
    exited: Option<Reply>,
}

impl Channel {
    pub(crate) fn new(worker: Option<Connection<OwnedFd>>) -> Self {
        Self {
            worker,
            command: None,
            held: None,
            closed: false,
            ready: true,
        }
    }

    /// Whether the server has been told that it is over.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What to wait for.
    pub(crate) fn wait_for(&self, wait: &mut Vec<libc::pollfd>, out: &Out) {
        if let Some(worker) = &self.worker {
            wait.push(sys::poll_for(worker.raw(), worker.events()));
        }
        let Some(command) = &self.command else {
            return;
        };
        wait.extend(command.input.as_ref().and_then(Input::waits));
        wait.extend(
            command
                .outputs
                .iter()
                .filter_map(|output| output.waits(out)),
        );
    }

    /// Takes what the server says. Nothing is done yet, but kept. `prompt`: whatever the server has said up
    /// to now has come.
    pub(crate) fn obey(
        &mut self,
        id: u32,
        part: Part<'_>,
        prompt: bool,
        out: &mut Out,
    ) -> Result<(), Malformed> {
        self.ready = true;
        match part {
            Part::Message(body) => {
                let request = Request::decode(body)?;
                match &request {
                    Request::Fork => return Err(Malformed::OUT_OF_TURN),
                    Request::Run(run) => return self.run(id, run, &request, prompt, out),
                    Request::Terminate { .. } if self.held.take().is_some() => self.command = None,
                    Request::Signal(_) | Request::Resize(_) | Request::Terminate { .. } => {}
                }
                self.tell(&request, Vec::new());
            }
            Part::Go => {
                if let Some((request, beside)) = self.held.take() {
                    self.tell(&request, beside);
                }
            }
            // What comes after a command's end was meant for it.
            part => {
                if let Some(command) = &mut self.command {
                    command.obey(part)?;
                }
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        id: u32,
        run: &Run,
        request: &Request,
        prompt: bool,
        out: &mut Out,
    ) -> Result<(), Malformed> {
        if self.command.is_some() {
            return Err(Malformed::OUT_OF_TURN);
        }
        match Command::new(run) {
            Ok((command, theirs)) => {
                self.command = Some(command);
                if prompt {
                    self.tell(request, theirs);
                } else {
                    self.held = Some((request.clone(), theirs));
                    out.send(id, Part::Go);
                }
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                out.reply(id, &Reply::Failed(Failure::Other(errno)));
            }
        }
        Ok(())
    }

    fn tell(&mut self, request: &Request, beside: Vec<OwnedFd>) {
        let kept = self
            .worker
            .as_mut()
            .map(|worker| worker.keep(&request.encode(), beside));
        if matches!(kept, Some(Err(_))) {
            self.worker = None;
        }
    }

    /// Moves what can be moved.
    pub(crate) fn pump(&mut self, id: u32, out: &mut Out) {
        let ending = self
            .command
            .as_ref()
            .is_some_and(|one| one.exited.is_some());
        if !std::mem::take(&mut self.ready) && !ending {
            return;
        }
        if !matches!(self.hear(id, out), Ok(true)) {
            self.worker = None;
        }
        if let Some(command) = &mut self.command {
            command.pump(id, out);
            let over = match &command.exited {
                Some(exited) if command.is_read() => {
                    out.reply(id, exited);
                    true
                }
                Some(_) => false,
                None => self.worker.is_none(),
            };
            if over {
                self.command = None;
            }
        }
        if self.worker.is_none() && self.command.is_none() && !self.closed {
            self.closed = true;
            out.send(id, Part::Close);
        }
    }

    /// Hands on what the worker says; false once it has ended.
    fn hear(&mut self, id: u32, out: &mut Out) -> io::Result<bool> {
        let Some(worker) = &mut self.worker else {
            return Ok(false);
        };
        let sent = worker.flush();
        let open = worker.receive()?;
        while let Some(reply) = worker.next_reply().map_err(io::Error::other)? {
            match (&mut self.command, &reply) {
                (Some(command), Reply::Exited(_)) => {
                    command.outputs.iter_mut().for_each(Output::drain);
                    command.exited = Some(reply);
                    continue;
                }
                (command, Reply::Failed(_)) => *command = None,
                _ => {}
            }
            out.reply(id, &reply);
        }
        sent.map(|()| open)
    }
}

impl Command {
    /// With the ends of its pipes that are for the worker.
    fn new(run: &Run) -> io::Result<(Self, Vec<OwnedFd>)> {
        let mut theirs = Vec::new();
        let mut input = None;
        if run.stdin {
            let (ours, end) = Input::new()?;
            input = Some(ours);
            theirs.push(end);
        }
        let streams: &[Stream] = if run.has_stderr() {
            &[Stream::Stdout, Stream::Stderr]
        } else {
            &[Stream::Stdout]
        };
        let mut outputs = Vec::new();
        for stream in streams {
            let (ours, end) = Output::new(*stream)?;
            outputs.push(ours);
            theirs.push(end);
        }
        let command = Self {
            input,
            outputs,
            exited: None,
        };
        Ok((command, theirs))
    }

    fn obey(&mut self, part: Part<'_>) -> Result<(), Malformed> {
        match (part, &mut self.input) {
            (Part::Data(Stream::Stdin, data), Some(input)) => input.take(data),
            (Part::End, Some(input)) => {
                input.end();
                Ok(())
            }
            (Part::Credit(stream, bytes), _) => {
                let mut outputs = self.outputs.iter_mut();
                let output = outputs.find(|output| output.stream == stream);
                output.ok_or(Malformed::OUT_OF_TURN)?.credit.add(bytes)
            }
            _ => Err(Malformed::OUT_OF_TURN),
        }
    }

    fn pump(&mut self, id: u32, out: &mut Out) {
        if let Some(input) = &mut self.input {
            input.pump(id, out);
        }
        for output in &mut self.outputs {
            output.pump(id, out);
        }
    }

    fn is_read(&self) -> bool {
        self.outputs.iter().all(Output::is_read)
    }
}
