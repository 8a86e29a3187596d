//! `podlane run-engine` (hidden): becomes the engine's service, which then ends when its parent does.
//!
//! A server that is killed with `kill -9` can't stop its child any more. Therefore the child asks the
//! kernel, while it is still this program, to be sent SIGTERM when its parent dies; the wish survives
//! the change into another program.

use crate::arguments::Launch;
use crate::failure::Failure;
use rustix::process::{Pid, Signal};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Does not return unless it fails.
pub(crate) fn run(launch: &Launch) -> Failure {
    let Some((program, arguments)) = launch.command.split_first() else {
        return Failure::failed("no program to run");
    };
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::TERM)) {
        return Failure::failed(format!("can't tie the engine to the server: {error}"));
    }
    // The parent may have died before the kernel knew of the wish.
    if rustix::process::getppid().map(Pid::as_raw_pid) != Some(launch.parent) {
        return Failure::failed("the server that asked for an engine is gone");
    }
    let error = Command::new(program).args(arguments).exec();
    Failure::failed(format!("can't run {}: {error}", program.display()))
}
