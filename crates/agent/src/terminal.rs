//! A terminal of the container for one command, and the relay between it and the command's pipes.

use crate::sys;
use podlane_agent::Terminal;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

/// What is on its way in one direction at most.
const BUFFER: usize = 16 * 1024;
/// What ends a line of input for good: the default of a terminal's VEOF.
const END_OF_INPUT: u8 = 4;

/// A pseudo-terminal's own side, and the relay.
pub(crate) struct Relay {
    master: File,
    input: Option<OwnedFd>,
    output: Option<OwnedFd>,
    typed: Vec<u8>,
    written: Vec<u8>,
    /// The other side has been closed by everybody who had it open.
    hung_up: bool,
}

/// Makes a terminal; answers the path of the command's side too.
pub(crate) fn open(
    size: Terminal,
    input: Option<OwnedFd>,
    output: OwnedFd,
) -> io::Result<(Relay, CString)> {
    let master = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK)
        .open("/dev/ptmx")?;
    let number = sys::unlock_terminal(master.as_fd())?;
    sys::resize_terminal(master.as_fd(), size.columns, size.rows)?;
    sys::do_not_block(output.as_fd())?;
    if let Some(input) = &input {
        sys::do_not_block(input.as_fd())?;
    }
    let relay = Relay {
        master,
        input,
        output: Some(output),
        typed: Vec::new(),
        written: Vec::new(),
        hung_up: false,
    };
    let path = CString::new(format!("/dev/pts/{number}")).map_err(io::Error::other)?;
    Ok((relay, path))
}

impl Relay {
    pub(crate) fn resize(&self, size: Terminal) -> io::Result<()> {
        sys::resize_terminal(self.master.as_fd(), size.columns, size.rows)
    }

    /// What to wait for.
    pub(crate) fn wait_for(&self, wait: &mut Vec<libc::pollfd>) {
        let mut events = 0;
        if self.written.len() < BUFFER && !self.hung_up {
            events |= libc::POLLIN;
        }
        if !self.typed.is_empty() {
            events |= libc::POLLOUT;
        }
        if events != 0 && !self.hung_up {
            wait.push(sys::poll_for(self.master.as_raw_fd(), events));
        }
        if let Some(input) = self.input.as_ref().filter(|_| self.typed.len() < BUFFER) {
            wait.push(sys::poll_for(input.as_raw_fd(), libc::POLLIN));
        }
        if let Some(output) = self.output.as_ref().filter(|_| !self.written.is_empty()) {
            wait.push(sys::poll_for(output.as_raw_fd(), libc::POLLOUT));
        }
    }

    /// Moves what can be moved now.
    pub(crate) fn pump(&mut self) {
        self.take_input();
        if let Ok(sent) = sys::write(self.master.as_fd(), &self.typed) {
            self.typed.drain(..sent);
        }
        let mut buffer = [0; BUFFER];
        let room = BUFFER - self.written.len().min(BUFFER);
        if room > 0 && !self.hung_up {
            match sys::read(self.master.as_fd(), &mut buffer[..room]) {
                Ok(read) => self.written.extend_from_slice(&buffer[..read]),
                // Between two openings, too: but the command has it open as long as it runs.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => self.hung_up = true,
                Err(_) => {}
            }
        }
        self.give_output();
    }

    fn take_input(&mut self) {
        let room = BUFFER - self.typed.len().min(BUFFER);
        let Some(input) = self.input.as_ref().filter(|_| room > 0) else {
            return;
        };
        let mut buffer = [0; BUFFER];
        match sys::read(input.as_fd(), &mut buffer[..room]) {
            Ok(0) => {
                self.typed.push(END_OF_INPUT);
                self.input = None;
            }
            Ok(read) => self.typed.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.input = None,
        }
    }

    fn give_output(&mut self) {
        let Some(output) = &self.output else {
            // Nobody reads.
            self.written.clear();
            return;
        };
        match sys::write(output.as_fd(), &self.written) {
            Ok(sent) => drop(self.written.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.output = None,
        }
    }

    /// Once the command has ended: moves on; whether all that it wrote has been given out.
    pub(crate) fn is_drained(&mut self) -> bool {
        loop {
            let before = self.written.len();
            self.pump();
            if self.written.len() <= before {
                break;
            }
        }
        self.written.is_empty()
    }
}
