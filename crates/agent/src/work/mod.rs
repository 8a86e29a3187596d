//! Works: what a process forked from a worker does itself, as the user that the agent is.
//!
//! It has no descriptors but its standard streams. It may block: the worker ends it like any command.

mod accounts;
mod answer;
mod files;

use answer::Failed;
use podlane_inside::{Work, blocks};
use std::io::{self, Write};

/// Does a work and answers on standard output. The code is 0 also for a failure that was told there.
pub(crate) fn run(work: &[u8]) -> libc::c_int {
    let told = match blocks::parse(work) {
        Ok(work) => match perform(work) {
            Ok(()) => Ok(()),
            Err(Failed::Here(failure)) => answer::end(&failure),
            Err(Failed::There(error)) => Err(error),
        },
        Err(error) => Err(error),
    };
    match told.and_then(|()| io::stdout().flush()) {
        Ok(()) => libc::EXIT_SUCCESS,
        Err(_) => libc::EXIT_FAILURE,
    }
}

fn perform(work: Work) -> Result<(), Failed> {
    match work {
        Work::Stat { path, follow } => answer::only(&files::stat(&path, follow)?),
        Work::Accounts { programs, change } => accounts::accounts(&programs, change),
        _ => Err(Failed::Here(answer::failure(
            &io::ErrorKind::Unsupported.into(),
            &[],
        ))),
    }
}
