//! What every command inherits, as the engine gave it to the agent.

use crate::sys::{self, Signals};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What every command inherits.
pub(crate) struct Home {
    /// `NAME=value`.
    environment: Vec<Vec<u8>>,
    directory: File,
    pub(crate) signals: Signals,
}

impl Home {
    /// As it is now; from here on SIGCHLD and SIGPIPE are held back.
    pub(crate) fn new() -> io::Result<Self> {
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC)
            .open(".")?;
        Ok(Self {
            environment: std::env::vars_os().map(variable).collect(),
            directory,
            signals: sys::hold_back_signals()?,
        })
    }

    /// Goes into `workdir`, or back into the agent's own directory if it is empty.
    pub(crate) fn enter(&self, workdir: &[u8]) -> io::Result<()> {
        if workdir.is_empty() {
            return sys::enter(self.directory.as_fd());
        }
        std::env::set_current_dir(Path::new(std::ffi::OsStr::from_bytes(workdir)))
    }

    /// The variables with `changes` in them, the later one of a name winning.
    pub(crate) fn environment(&self, changes: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut all = self.environment.clone();
        for change in changes {
            match all.iter_mut().find(|known| name(known) == name(change)) {
                Some(known) => known.clone_from(change),
                None => all.push(change.clone()),
            }
        }
        all
    }
}

fn variable((name, value): (OsString, OsString)) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_bytes()].concat()
}

fn name(variable: &[u8]) -> &[u8] {
    variable
        .split(|byte| *byte == b'=')
        .next()
        .unwrap_or(variable)
}

/// The value of a variable.
pub(crate) fn value<'a>(environment: &'a [Vec<u8>], wanted: &[u8]) -> Option<&'a [u8]> {
    let found = environment.iter().find(|known| name(known) == wanted)?;
    found.get(wanted.len() + 1..)
}
