//! `podlane-agent`: runs inside a container, started by the container engine as the user whose commands
//! it runs, and never becomes anybody else. It starts commands and ends them with all that they started.
//!
//! One process waits for requests and forks workers. A worker runs one command at a time and is the
//! subreaper of what that starts: whatever leaves its parent becomes the worker's child. So the whole
//! tree is found by descent alone, and that it has ended is certain once the worker has no children.
//!
//! No main function of Rust's: its start would ignore SIGPIPE, and commands would inherit that.

#![cfg_attr(not(test), no_main)]

mod channel;
mod connection;
mod control;
mod process;
mod spawn;
mod stdio;
mod streams;
mod sys;
mod terminal;
mod tree;
mod work;
mod worker;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// What the server could not be told.
const FAILED: libc::c_int = 70;

/// `podlane-agent fd FD`: serves the socket that is descriptor FD. `podlane-agent stdio`: serves standard
/// input and output.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn main(_: libc::c_int, _: *const *const libc::c_char) -> libc::c_int {
    let mut arguments = std::env::args().skip(1);
    let served = match (arguments.next().as_deref(), arguments.next()) {
        (Some("fd"), Some(number)) => match number.parse() {
            Ok(number @ 3..) => serve_descriptor(number),
            _ => return libc::EXIT_FAILURE,
        },
        (Some("stdio"), None) => stdio::serve(),
        _ => return libc::EXIT_FAILURE,
    };
    match served {
        Ok(()) => libc::EXIT_SUCCESS,
        Err(_) => FAILED,
    }
}

fn serve_descriptor(number: RawFd) -> io::Result<()> {
    // SAFETY: the engine was told to hand this descriptor over, and nothing else in this process owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    spawn::fill_standard_streams()?;
    control::serve(&socket)
}
